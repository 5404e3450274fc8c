"""One process at a time per Telegram session: two would end the session for good, and rob each other of updates until then.

The lock is a file of the operating system, named after the session's key, and goes with the process however that ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from errors import SessionError

NAME_CHARACTERS: Final = 32
LARGEST_BYTES: Final = 4096


def lock_folder() -> Path:
    """The same for every process of this user, whatever its settings."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"parley-{os.getuid()}"


class SessionLock:
    """Taken once, released once. ``folder`` is where the files of all sessions are."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None else lock_folder()
        self._file: int | None = None

    def take(self, auth_key: Any) -> None:
        """Hold the session of this key (Telethon's ``AuthKey``; without one there is no session yet, and nothing to hold).

        :raises errors.SessionError: another process holds it; the text says which, and since when.
        """
        if auth_key is None or not auth_key.key:
            return
        file = self._open(hashlib.sha256(auth_key.key).hexdigest()[:NAME_CHARACTERS])
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            os.close(file)
            raise SessionError(
                f"This Telegram session is in use by another Parley{holder}.",
                "Stop that one first, or log in again for a session of its own: python bot.py login",
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": os.getpid(), "since": time.time()}).encode(), 0)
        self._file = file

    def _open(self, name: str) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._folder / f"session-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise SessionError(f"The lock of the session cannot be made ({error}).", f"See that {self._folder} may be written.") from error

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _holder(file: int) -> str:
    try:
        told = json.loads(os.pread(file, LARGEST_BYTES, 0))
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(told["since"])))
        return f": process {int(told['pid'])}, since {since}"
    except (ValueError, KeyError, TypeError):
        return ""
