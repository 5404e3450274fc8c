"""The Telethon session of the account: from a string, or from a private file, at home or in a loopback Telegram."""

from __future__ import annotations

import base64
import os
import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telethon.crypto import rsa
from telethon.sessions import MemorySession, SQLiteSession, StringSession

from config import Settings
from errors import ParleyError, SessionError, SettingsError

LOGIN_STEP: Final = "Log in with: python bot.py login"
LOOPBACK_DC_ID: Final = 2
LOOPBACK_HOSTS: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}


@dataclass(frozen=True, slots=True)
class LoopbackDc:
    """The address and public key file of a loopback Telegram (setting ``TELEGRAM_DC``)."""

    host: str
    port: int
    key_file: Path

    @classmethod
    def parse(cls, spec: str) -> LoopbackDc:
        """Read ``host:port:public_key.pem``.

        :raises errors.SettingsError: not of that form, or not a loopback address.
        """
        given, separator, rest = spec.partition("]:") if spec.startswith("[") else spec.partition(":")
        host = LOOPBACK_HOSTS.get(given + "]" if spec.startswith("[") else given)
        port, _, key_file = rest.partition(":")
        if host is None or not separator or not port.isdecimal() or not key_file:
            raise SettingsError(
                f"TELEGRAM_DC is {spec!r}: it must be host:port:public_key.pem with a loopback address.",
                "Remove it to use the real Telegram.",
            )
        return cls(host, int(port), Path(key_file).expanduser())


def open_session(settings: Settings) -> MemorySession:
    """The session named by the settings.

    :raises errors.SessionError: there is none, it is no session, it is in use, or it belongs to another Telegram than ``TELEGRAM_DC``.
    """
    string = settings.telegram_session
    session = string_session(string.get_secret_value()) if string else open_session_file(settings.session_file)
    return _where_telegram_is(session, settings)


def new_session(settings: Settings) -> MemorySession:
    """A session in memory that nobody is logged in with yet."""
    return _where_telegram_is(MemorySession(), settings)


def write_session(path: Path, session: MemorySession) -> None:
    """Keep ``session`` in the file ``path``: private (mode 0600) from its first byte, and whole or not at all.

    :raises errors.SessionError: it cannot be written.
    """
    incoming = path.with_name(f".{path.stem}.new.session")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        incoming.unlink(missing_ok=True)
        os.close(os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        kept = SQLiteSession(str(incoming))
        kept.set_dc(session.dc_id, session.server_address, session.port)
        kept.auth_key = session.auth_key
        kept.save()
        kept.close()
        incoming.replace(path)
    except (sqlite3.Error, OSError) as error:
        raise SessionError(f"The session file {path} cannot be written ({error}).", "Check that the folder may be written.") from error


def _where_telegram_is(session: MemorySession, settings: Settings) -> MemorySession:
    if settings.telegram_dc:
        try:
            _point_at(session, LoopbackDc.parse(settings.telegram_dc))
        except ParleyError:
            session.close()
            raise
    return session


def string_session(text: str) -> StringSession:
    """A session from its string form.

    :raises errors.SessionError: it is none.
    """
    try:
        return StringSession(text.strip())
    except (ValueError, struct.error, base64.binascii.Error):  # type: ignore[attr-defined]
        raise SessionError("TELEGRAM_SESSION is not a Telethon string session.", LOGIN_STEP) from None


def open_session_file(path: Path) -> SQLiteSession:
    """A session from its file, which is made private on the way.

    :raises errors.SessionError: there is none, it is no session, or it is in use.
    """
    if not path.exists():
        raise SessionError(f"There is no Telegram session: {path} does not exist and TELEGRAM_SESSION is not set.", LOGIN_STEP)
    try:
        path.chmod(0o600)
        return SQLiteSession(str(path))
    except sqlite3.OperationalError as error:
        raise SessionError(f"The session file {path} cannot be used ({error}).", _next_step(error)) from error
    except (sqlite3.DatabaseError, OSError) as error:
        raise SessionError(f"The session file {path} cannot be read ({error}).", f"Remove it and start afresh. {LOGIN_STEP}") from error


def _next_step(error: sqlite3.OperationalError) -> str:
    if "locked" in str(error):
        return "Another Parley uses it: stop that one first."
    return "Check that the folder exists and may be written."


def _point_at(session: MemorySession, dc: LoopbackDc) -> None:
    """Let ``session`` meet the loopback Telegram. A key of another address is never sent there nor overwritten."""
    same_address = (session.server_address, session.port) == (dc.host, dc.port)
    if session.auth_key and not same_address:
        raise SessionError(
            f"The session belongs to {session.server_address}:{session.port}, but TELEGRAM_DC says {dc.host}:{dc.port}.",
            "Remove TELEGRAM_DC, or name another session.",
        )
    try:
        rsa.add_key(dc.key_file.read_text(encoding="ascii"), old=False)
    except (OSError, ValueError) as error:
        raise SettingsError(f"The public key {dc.key_file} of TELEGRAM_DC cannot be read ({error}).", "Name the right file.") from error
    if not same_address:
        session.set_dc(LOOPBACK_DC_ID, dc.host, dc.port)
