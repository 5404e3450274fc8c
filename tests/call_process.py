"""Runs a scenario that places real calls in a process of its own.

The native call library aborts at exit at times and, rarely, hangs: in a child neither takes the test run with it. A child that dies
by a signal is run once more, with a warning that says so; a failed assertion or a time-out is a failure at once. Folders that it was given
as arguments are then as they were: what the first child has kept there (calls that are wanted, commands that were obeyed) is of no concern
to the second.
"""

from __future__ import annotations

import asyncio
import faulthandler
import importlib
import logging
import os
import shutil
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from tests.secret_watch import watch

Scenario = Callable[..., Coroutine[Any, Any, None]]

ROOT = Path(__file__).resolve().parent.parent
SHELL_SIGNAL_BASE = 128
STACKS_BEFORE_TIMEOUT_S = 3.0


class NativeCrash(UserWarning):
    """A call process died by a signal and was run again."""


class CallProcessFailed(AssertionError):
    """A call process did not end well; the text holds all it wrote."""


def run_in_process(scenario: Scenario, *arguments: str, timeout_s: float = 110.0) -> str:
    """Run a module-level ``async def`` in a child, with string arguments; returns what it printed.

    :raises CallProcessFailed: it raised, took longer than ``timeout_s``, or died by a signal twice.
    """
    folders = {folder: set(folder.iterdir()) for folder in map(Path, arguments) if folder.is_absolute() and folder.is_dir()}
    run = _run(scenario, arguments, timeout_s)
    if _died_by_signal(run.returncode):
        warnings.warn(
            f"{scenario.__name__} died natively (code {run.returncode}) and is run again:\n{run.stdout[-2000:]}", NativeCrash, stacklevel=2
        )
        for folder, before in folders.items():
            _remove(set(folder.iterdir()) - before)
        run = _run(scenario, arguments, timeout_s)
    watch(run.stdout, scenario.__name__)
    if run.returncode != 0:
        raise CallProcessFailed(f"{scenario.__name__} ended with code {run.returncode}:\n{run.stdout}")
    return run.stdout


def _run(scenario: Scenario, arguments: tuple[str, ...], timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.call_process", str(timeout_s), scenario.__module__, scenario.__name__, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout.decode(errors="replace") if isinstance(expired.stdout, bytes) else expired.stdout or ""
        raise CallProcessFailed(f"{scenario.__name__} did not end within {timeout_s:g} s:\n{output}") from None


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _died_by_signal(code: int) -> bool:
    return code < 0 or code > SHELL_SIGNAL_BASE


def main(timeout_s: str, module: str, name: str, *arguments: str) -> int:
    """The child: the exit code, 1 for a scenario that raised."""
    faulthandler.enable()
    faulthandler.dump_traceback_later(max(float(timeout_s) - STACKS_BEFORE_TIMEOUT_S, 1.0))
    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)d %(name)s %(levelname)s %(message)s")
    try:
        asyncio.run(getattr(importlib.import_module(module), name)(*arguments))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the native library's own exit handlers, which abort at times.
    os._exit(code)
