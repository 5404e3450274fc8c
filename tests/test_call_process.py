"""The runner of call scenarios itself."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.call_process import CallProcessFailed, NativeCrash, run_in_process


async def speaks(word: str) -> None:
    print(word)


async def fails() -> None:
    raise AssertionError("it was silent")


async def hangs() -> None:
    print("still here", flush=True)
    await asyncio.sleep(60)


async def crashes_once(folder: str, first_life: str) -> None:
    kept = sorted(path.name for path in Path(folder).iterdir())  # noqa: ASYNC240
    try:
        os.mkdir(first_life)  # noqa: PTH102
    except FileExistsError:
        print("second life", *kept)
    else:
        (Path(folder) / "of the first life").mkdir()
        os.kill(os.getpid(), signal.SIGKILL)


async def crashes_always() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_output_is_returned() -> None:
    assert "hello" in run_in_process(speaks, "hello")


def test_failed_assertion_fails_with_its_traceback() -> None:
    with pytest.raises(CallProcessFailed, match="it was silent"):
        run_in_process(fails)


def test_time_out_fails_with_what_was_printed() -> None:
    with pytest.raises(CallProcessFailed, match=r"did not end within 10 s:\n(.|\n)*still here"):
        run_in_process(hangs, timeout_s=10)


def test_native_crash_is_retried_once_in_the_same_circumstances_and_reported(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "of the test").mkdir(parents=True)
    with pytest.warns(NativeCrash, match="crashes_once died natively"):
        told = run_in_process(crashes_once, str(folder), str(tmp_path / "first life"))
    assert "second life of the test\n" in told


def test_second_native_crash_fails() -> None:
    with pytest.warns(NativeCrash), pytest.raises(CallProcessFailed, match="code -9"):
        run_in_process(crashes_always)
