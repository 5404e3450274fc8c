"""The watch for secrets in the logs of the test run fails a run in which one stands, and only such a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


LOGS = "import logging\n\ndef test_it():\n    logging.getLogger('x').info({!r})\n"
HANDS_OVER = "from tests.secret_watch import watch\n\ndef test_it():\n    watch({!r})\n"


def outcome_of(logged: str, folder: Path, how: str = LOGS, *options: str) -> subprocess.CompletedProcess[str]:
    """A test run of its own with one test that logs something and succeeds."""
    (folder / "conftest.py").write_text("from tests.secret_watch import *\n")
    (folder / "test_it.py").write_text(how.format(logged))
    of_run = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-o", "log_level=INFO", *options]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *of_run, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("secret", ["correct horse", "1" + "Ab_-9" * 70, "Login code: " + "13579"])
def test_a_run_that_logs_a_secret_fails(secret: str, tmp_path: Path) -> None:
    run = outcome_of(f"it is {secret} .", tmp_path)
    assert run.returncode == 1, run.stdout
    assert "1 passed" in run.stdout
    assert "secrets in logs" in run.stdout


def test_what_one_of_several_test_processes_saw_counts(tmp_path: Path) -> None:
    run = outcome_of("hunter2", tmp_path, HANDS_OVER, "-n", "1")
    assert run.returncode == 1, run.stdout
    assert "secrets in logs" in run.stdout


def test_a_run_that_logs_none_passes(tmp_path: Path) -> None:
    run = outcome_of("joined the voice chat of Book club (-1001234567890)", tmp_path)
    assert run.returncode == 0, run.stdout
    assert "secrets in logs" not in run.stdout
