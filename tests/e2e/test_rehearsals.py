"""The short rehearsals of the folder, played as a user would: the whole bot, real models, a loopback Telegram."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.secret_watch import watch

pytestmark = pytest.mark.alone
ROOT = Path(__file__).resolve().parents[2]
TIME_OUT_S = 150


def played(name: str, folder: Path) -> dict[str, Any]:
    """Its report."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("TELEGRAM_", "API_"))}
    log = folder / "bot.log"
    run = subprocess.run(
        [sys.executable, "bot.py", "rehearse", "--script", f"rehearsals/{name}.yaml", "--report", str(folder)],
        cwd=ROOT,
        env=own | {"TERM": "dumb", "LOG_FILE": str(log)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_OUT_S,
        check=False,
    )
    watch(run.stdout, f"bot.py rehearse, {name}")
    watch(log.read_text(encoding="utf-8"), f"the bot in {name}")
    assert run.returncode == 0, run.stdout[-6000:]
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


@pytest.mark.timeout(TIME_OUT_S + 20)
@pytest.mark.parametrize("name", ["quiet_hours", "flood_wait", "two_admins", "voice_note", "non_admin"])
def test_a_short_rehearsal_goes_well(name: str, tmp_path: Path) -> None:
    report = played(name, tmp_path)
    assert report["totals"]["expectations_met"] >= 1
    assert report["totals"]["errors"] == 0
