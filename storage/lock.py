"""One Parley at a time uses a database: a lock file beside it that the system takes away when its holder ends, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.errors import Problem, StorageError

WAIT_S: Final = 3.0
"""A holder that is just ending gets this long."""
_ASK_EVERY_S: Final = 0.1


class Lock:
    """Held from :meth:`take` until :meth:`release`. It is of the process: children do not hold it, a killed holder loses it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = database.with_name(f"{database.name}.lock")
        self._file: int | None = None

    async def wait(self, wait_s: float = WAIT_S) -> None:
        """Take it, waiting for a holder that ends.

        :raises storage.errors.StorageError: another Parley keeps it; the text names it.
        """
        for _ in range(int(wait_s / _ASK_EVERY_S)):
            with contextlib.suppress(StorageError):
                self.take()
                return
            await asyncio.sleep(_ASK_EVERY_S)
        self.take()

    def take(self) -> None:
        """Take it at once.

        :raises storage.errors.StorageError: another Parley has it; the text names it.
        :raises OSError: no lock can be made there.
        """
        if self._file is not None:
            return
        file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(file, 200).decode(errors="replace").strip()
            os.close(file)
            if not isinstance(error, BlockingIOError | PermissionError):
                raise
            raise self._held_by(holder) from None
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)
            os.write(file, _signature().encode())
        self._file = file

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _held_by(self, holder: str) -> StorageError:
        return StorageError(
            f"The database {self._database} is in use by another Parley ({holder or 'unknown'}).",
            "Stop that one first, or give this one a DATA_DIR of its own.",
            Problem.BUSY,
        )


def _signature() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"


def users_of(path: Path) -> list[str]:
    """The other programs of this user that have the file open, such as ``sqlite3 (process 123)``; as far as the system tells."""
    return sorted(set(_users_of(path.resolve())))


def _users_of(path: Path) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and any(file.readlink() == path for file in (process / "fd").iterdir()):
                yield f"{(process / 'comm').read_text().strip()} (process {process.name})"
