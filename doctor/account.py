"""The Telegram session, and whether Telegram can be reached with it."""

from __future__ import annotations

import asyncio
import stat
import time
from typing import Final

from telethon.sessions import MemorySession

from calls.telegram.client import TelegramAccount
from calls.telegram.session import LOGIN_STEP, open_session
from calls.telegram.sessions import in_use_by
from config import Settings
from doctor.configuration import GOING_LIVE
from doctor.finding import Finding, failure, of_error, ok, warning
from errors import ParleyError

TIMEOUT_S: Final = 15.0
LARGEST_SKEW_S: Final = 5
"""A message whose time is 30 s in the future or 300 s in the past is refused by Telegram; appointments go wrong long before."""


def session(settings: Settings) -> Finding:
    """Whether there is one, private and logged in."""
    if not settings.has_account and not settings.session_file.exists():
        return warning("There is no Telegram session; rehearsals need none.", GOING_LIVE)
    if settings.telegram_session is None and settings.session_file.exists() and _is_open_to_others(settings):
        return warning(f"Other users of this machine may read the session {settings.session_file}.", f"chmod 600 {settings.session_file}")
    try:
        kept = open_session(settings)
    except ParleyError as error:
        return of_error(error)
    return _of_session(kept, "TELEGRAM_SESSION" if settings.telegram_session else str(settings.session_file))


def _is_open_to_others(settings: Settings) -> bool:
    return bool(stat.S_IMODE(settings.session_file.stat().st_mode) & 0o077)


def _of_session(kept: MemorySession, where: str) -> Finding:
    try:
        if not kept.auth_key:
            return failure(f"Nobody is logged in with the session {where}.", LOGIN_STEP)
        if user := in_use_by(kept.auth_key):
            return ok(f"The session {where} is in use by Parley: {user}.")
        return ok(f"The session {where} is there, and nobody uses it now.")
    finally:
        kept.close()


async def telegram(settings: Settings, timeout_s: float = TIMEOUT_S) -> Finding:
    """Log in with the session; one that is in use is left alone, and only the way to Telegram is tried."""
    if settings.api_id is None or settings.api_hash is None:
        return warning("Telegram was not tried: API_ID and API_HASH are not set.", GOING_LIVE)
    try:
        kept = open_session(settings)
        kept.close()
        if user := in_use_by(kept.auth_key):
            return await _way(kept.server_address, kept.port, user, timeout_s)
        return await _login(settings, timeout_s)
    except ParleyError as error:
        return of_error(error)


async def _login(settings: Settings, timeout_s: float) -> Finding:
    began_s = time.monotonic()
    account = await TelegramAccount.connect(settings, timeout_s)
    took_s = time.monotonic() - began_s
    skew_s = getattr(getattr(account.client._sender, "_state", None), "time_offset", 0)
    who = f"@{account.username}" if account.username else f"user {account.id}"
    await account.close()
    if abs(skew_s) > LARGEST_SKEW_S:
        slow = f"{abs(skew_s)} s {'slow' if skew_s > 0 else 'fast'}"
        return warning(f"Telegram answers, but this machine's clock is {slow}.", "Set the clock: sudo timedatectl set-ntp true")
    return ok(f"Telegram answered in {took_s:.1f} s: the account is {who}.")


async def _way(host: str, port: int, user: str, timeout_s: float) -> Finding:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except OSError:
        return failure(
            f"Telegram cannot be reached ({host}:{port}).", "Check the internet connection, and whether a firewall is in the way."
        )
    return ok(f"Telegram can be reached; the session was not tried, for Parley uses it ({user}).")
