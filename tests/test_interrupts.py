"""Ctrl-C while the program loads: one plain line, whenever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interrupts import INTERRUPTED, loading

ROOT = Path(__file__).resolve().parents[1]
SLOW_LIBRARY = """
import sys
sys.path.insert(0, ROOT)
import interrupts
with interrupts.loading():
    print("loading", flush=True)
    try:
        import time
        time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError("this library could not be loaded")
"""


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def test_a_library_that_is_being_loaded_is_left_with_one_line() -> None:
    program = SLOW_LIBRARY.replace("ROOT", repr(str(ROOT)))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    assert interrupted(process) == (INTERRUPTED, "Broken off.\n")


@pytest.mark.parametrize("module", ["click", "pydantic", "numpy", "telethon.tl", "matplotlib"])
def test_a_rehearsal_that_is_still_being_loaded_ends_with_one_line(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / "bot.py"), "rehearse"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while module not in process.stderr.readline():
        assert process.poll() is None
    code, told = interrupted(process)
    assert code == INTERRUPTED
    assert [line for line in told.splitlines() if not line.startswith("import time:")] == ["Broken off."]


def test_afterwards_interrupts_are_what_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with loading():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
