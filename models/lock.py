"""One fetch of a model at a time, on this machine."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

POLL_S: Final = 0.5


@asynccontextmanager
async def exclusive(lock_file: Path, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock that ``lock_file`` stands for; the system lets go of it when the process ends, however it ends.

    ``on_wait`` is called once when another process holds it.
    """
    with lock_file.open("ab") as handle:
        if not _taken(handle):
            on_wait()
            while not _taken(handle):  # noqa: ASYNC110 - another process cannot set an event of ours
                await asyncio.sleep(POLL_S)
        yield


def _taken(handle: BinaryIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
