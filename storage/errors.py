"""What can be wrong with what is kept, told so that a person can mend it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import Final

from errors import EXIT_SETTINGS, ParleyError


class Problem(StrEnum):
    """What keeps the database from being used."""

    FULL = "full"
    READ_ONLY = "read_only"
    DISK = "disk"
    BUSY = "busy"
    DAMAGED = "damaged"
    NEWER = "newer"
    OTHER = "other"

    @property
    def may_pass(self) -> bool:
        """Whether the same write may succeed later, without the file being replaced."""
        return self in (Problem.FULL, Problem.READ_ONLY, Problem.DISK, Problem.BUSY)


class StorageError(ParleyError):
    """The database cannot be opened, read or written; its ``key`` is ``storage.`` and the problem."""

    exit_code = EXIT_SETTINGS

    def __init__(self, what: str, next_step: str = "", problem: Problem = Problem.OTHER) -> None:
        super().__init__(what, next_step, key=f"storage.{problem}")
        self.problem = problem


class TooMany(ParleyError):
    """A list that people fill is full."""


LEAST_ROOM_BYTES: Final = 64 * 1024
"""SQLite needs as much beside a database to open it (32 KiB of shared index, and a journal)."""

_OF_SQLITE: Final = {
    sqlite3.SQLITE_FULL: Problem.FULL,
    sqlite3.SQLITE_READONLY: Problem.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Problem.READ_ONLY,
    sqlite3.SQLITE_PERM: Problem.READ_ONLY,
    sqlite3.SQLITE_IOERR: Problem.DISK,
    sqlite3.SQLITE_BUSY: Problem.BUSY,
    sqlite3.SQLITE_LOCKED: Problem.BUSY,
    sqlite3.SQLITE_CORRUPT: Problem.DAMAGED,
    sqlite3.SQLITE_NOTADB: Problem.DAMAGED,
}
_OF_SYSTEM: Final = {
    errno.ENOSPC: Problem.FULL,
    errno.EDQUOT: Problem.FULL,
    errno.EFBIG: Problem.FULL,
    errno.EROFS: Problem.READ_ONLY,
    errno.EACCES: Problem.READ_ONLY,
    errno.EPERM: Problem.READ_ONLY,
    errno.ENOENT: Problem.READ_ONLY,
    errno.EEXIST: Problem.READ_ONLY,
    errno.ENOTDIR: Problem.READ_ONLY,
    errno.EISDIR: Problem.READ_ONLY,
    errno.EIO: Problem.DISK,
}
_TEXTS: Final = {
    Problem.FULL: ("The disk of the database {path} is full ({error}).", "Make room on it: until then nothing new is kept."),
    Problem.READ_ONLY: ("The database {path} cannot be written ({error}).", "Give Parley the right to write there, or set DATA_DIR."),
    Problem.DISK: ("The disk of the database {path} fails ({error}).", "Check that disk, and whether it is full."),
    Problem.BUSY: ("The database {path} is in use by another program.", "Stop the other program, then try again."),
    Problem.DAMAGED: (
        "The database {path} is damaged ({error}).",
        "Put a copy back with `python bot.py restore FILE`, or move it away: a new one is made at the next start.",
    ),
    Problem.OTHER: ("The database {path} cannot be used ({error}).", "Check the disk it is on."),
}


def problem_of(error: sqlite3.Error | OSError) -> Problem:
    """What an error of SQLite or of the system means."""
    if isinstance(error, OSError):
        return _OF_SYSTEM.get(error.errno or 0, Problem.OTHER)
    return _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, Problem.OTHER)


def explained(path: Path, error: sqlite3.Error | OSError) -> StorageError:
    """The same failure in plain words, of the database at ``path``."""
    problem = problem_of(error)
    if problem in (Problem.DISK, Problem.READ_ONLY) and _is_full(path.parent):
        problem = Problem.FULL
    what, next_step = _TEXTS[problem]
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return StorageError(what.format(path=path, error=reason), next_step, problem)


def _is_full(folder: Path) -> bool:
    """SQLite calls a disk full only where it runs full while a row is written."""
    try:
        return shutil.disk_usage(folder).free < LEAST_ROOM_BYTES
    except OSError:
        return False


def damaged(path: Path, how: str) -> StorageError:
    """The database at ``path`` can be opened but not trusted; ``how`` is what SQLite says of it."""
    what, next_step = _TEXTS[Problem.DAMAGED]
    return StorageError(what.format(path=path, error=how.splitlines()[-1]), next_step, Problem.DAMAGED)
