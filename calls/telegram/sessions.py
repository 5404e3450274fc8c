"""The sessions kept on this machine: which there are, whose they are, and moving one from place to place.

A session is one login. Two programs that use one login at once lose it for good, so what moves a session never leaves two of it to use.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from telethon.sessions import SQLiteSession, StringSession

from calls.telegram.client import TelegramAccount
from calls.telegram.session import open_session_file, string_session, write_session
from calls.telegram.session_lock import SessionLock
from config import Settings
from errors import ParleyError, SessionError
from redaction import hide
from storage.lock import users_of

SECOND_LOGIN: Final = "For a second program make a second login: python bot.py login --session NAME"
SQLITE: Final = b"SQLite format 3\0"
LARGEST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class KeptSession:
    """One session file. ``user`` says who uses it now, "" for nobody; ``trouble`` what is wrong with it, "" for nothing."""

    name: str
    path: Path
    chosen: bool
    logged_in: bool = False
    private: bool = True
    user: str = ""
    trouble: str = ""


def kept_sessions(settings: Settings) -> list[KeptSession]:
    """All session files beside the one of the settings, by name."""
    folder = settings.session_file.parent
    files = sorted(file for file in folder.glob("*.session") if not file.name.startswith("."))
    return [_looked_at(file, settings) for file in files]


def _looked_at(path: Path, settings: Settings) -> KeptSession:
    chosen = path == settings.session_file and not settings.telegram_session
    private = not stat.S_IMODE(path.stat().st_mode) & 0o077
    try:
        with _opened(path) as session:
            return KeptSession(path.stem, path, chosen, bool(session.auth_key), private, in_use_by(session.auth_key))
    except ParleyError as error:
        return KeptSession(path.stem, path, chosen, private=private, trouble=str(error))


def in_use_by(auth_key: Any) -> str:
    """Who uses the session with this key on this machine now, such as "process 12, since …"; "" for nobody."""
    lock = SessionLock()
    try:
        lock.take(auth_key)
    except SessionError as error:
        return error.what.partition("another Parley: ")[2].rstrip(".") or "another Parley"
    finally:
        lock.release()
    return ""


def export_session(settings: Settings) -> str:
    """The session of the settings as a Telethon string. To use it elsewhere, the file here has to go: see :func:`remove_session`.

    :raises errors.SessionError: there is none, nobody is logged in with it, or it is in use.
    """
    if settings.telegram_session:
        raise SessionError("The session is a string already: TELEGRAM_SESSION.", "Move that line to the other place.")
    with _opened(settings.session_file) as session:
        _free(session, settings.session_file)
        text: str = StringSession.save(session)
    hide(text)
    return text


def remove_session(settings: Settings) -> None:
    """Take the session file away; the login stays good for whoever has its string."""
    for file in (settings.session_file, settings.session_file.with_name(f"{settings.session_file.name}-journal")):
        file.unlink(missing_ok=True)


def import_session(settings: Settings, given: str | Path, *, replace: bool = False) -> None:
    """Keep a session, a Telethon string or the path of a Telethon session file, as the session file of the settings.

    A file is moved, not copied. What it replaces, if ``replace``, is put aside.

    :raises errors.SessionError: it is no session, it is in use, it is kept here already, or another one is in its place.
    """
    target = settings.session_file
    if target.exists() and not replace:
        raise SessionError(f"{target} exists already.", "Choose another name with --session NAME, or put it aside with --force.")
    with _given(given) as session:
        _free(session, given if isinstance(given, Path) else None)
        for other in target.parent.glob("*.session"):
            if other != given and not (replace and other == target) and _has_key(other, session.auth_key):
                raise SessionError(f"This login is kept here already, as {other}.", f"One login is for one program. {SECOND_LOGIN}")
        if target.exists():
            target.replace(target.with_name(f"{target.name}.before-import"))
        write_session(target, session)
    if isinstance(given, Path) and given != target:
        given.unlink()


async def check_session(settings: Settings) -> str:
    """Ask Telegram whose session it is; the name of the account.

    :raises errors.ParleyError: it is not good, it is in use, or Telegram cannot be reached; the text says which.
    """
    account = await TelegramAccount.connect(settings)
    try:
        me = await account.client.get_me()
    finally:
        await account.close()
    return " ".join(filter(None, (me.first_name, me.last_name))) or str(me.id)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[SQLiteSession]:
    session = open_session_file(path)
    try:
        yield session
    finally:
        session.close()


@contextlib.contextmanager
def _given(given: str | Path) -> Iterator[Any]:
    if isinstance(given, Path):
        if not given.is_file():
            raise SessionError(f"There is no file {given}.", "Give a Telethon session file, or a file with a Telethon string session.")
        if _starts_with(given, SQLITE):
            _is_telethons(given)
            with _opened(given) as session:
                yield session
            return
        given = given.read_text(encoding="utf-8", errors="replace")[:LARGEST_BYTES]
    hide(given)
    yield string_session(given)


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _is_telethons(path: Path) -> None:
    """Pyrogram's files are named the same and hold something else."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"sessions", "entities", "version"} <= tables or "peers" in tables:
        raise SessionError(
            f"{path} is no session file of Telethon (of Pyrogram or Hydrogram, perhaps).", "Log in anew: python bot.py login"
        )


def _free(session: Any, path: Path | None) -> None:
    """:raises errors.SessionError: nobody is logged in with it, or somebody uses it."""
    if not session.auth_key:
        raise SessionError("Nobody is logged in with this session.", "Log in with: python bot.py login")
    users = [in_use_by(session.auth_key)] + ([] if path is None else users_of(path))
    if user := next(filter(None, users), ""):
        raise SessionError(
            f"This Telegram session is in use by {user}: used in two places at once it would be ended for good.",
            f"Stop that program first. {SECOND_LOGIN}",
        )


def _has_key(path: Path, auth_key: Any) -> bool:
    with contextlib.suppress(ParleyError), _opened(path) as session:
        return bool(session.auth_key and session.auth_key.key == auth_key.key)
    return False


def write_private(path: Path, text: str) -> None:
    """Write ``text`` into the new file ``path`` with mode 0600.

    :raises errors.SessionError: it exists, or cannot be written.
    """
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise SessionError(f"{path} cannot be written ({error.strerror}).", "Name a new file in a folder that may be written.") from error
    with os.fdopen(file, "w", encoding="utf-8") as output:
        output.write(text + "\n")
