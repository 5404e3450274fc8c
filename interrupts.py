"""Ctrl-C while modules are loaded: one plain line. In the middle of a native library Python tells it as an ``ImportError`` instead."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

INTERRUPTED: Final = 128 + signal.SIGINT


def break_off(_number: int = signal.SIGINT, _frame: object = None) -> NoReturn:
    """End the process at once; a signal handler for as long as nothing is at work yet that would have to be ended in good order."""
    print("Broken off.", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


@contextmanager
def loading() -> Iterator[None]:
    """For imports: meanwhile Ctrl-C ends the process, see :func:`break_off`. Main thread only."""
    before = signal.signal(signal.SIGINT, break_off)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
