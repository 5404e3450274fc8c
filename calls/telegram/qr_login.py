"""Logging in with a QR code that is drawn in the terminal and scanned with the account's phone."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from typing import Any, Final

import segno
from telethon import TelegramClient
from telethon.tl.functions.auth import ImportLoginTokenRequest
from telethon.tl.types import auth

from calls.telegram.terminal import Person
from errors import ParleyError
from redaction import hide

MOST_CODES: Final = 10
"""Each lives for about 30 s, so a person has five minutes."""
SHORTEST_S: Final = 10.0
LONGEST_S: Final = 30.0
QUIET_MODULES: Final = 2
WHITE_ON_BLACK: Final = "\x1b[97;40m"
RESET: Final = "\x1b[0m"
HOW_TO: Final = "On the phone of the account: Telegram, Settings, Devices, Link Desktop Device. Scan this code:"


async def by_qr_code(client: TelegramClient, person: Person) -> None:
    """Draw codes, a new one when the last has expired, until one is accepted.

    :raises errors.ParleyError: none was.
    :raises telethon.errors.SessionPasswordNeededError: it was, and the account has a password.
    """
    code = await client.qr_login()
    for _ in range(MOST_CODES):
        hide(code.url)
        person.tell(HOW_TO)
        person.tell(drawn(code.url))
        with contextlib.suppress(TimeoutError):
            await code.wait(_left_s(code))
            return
        person.tell("That code has expired.")
        await code.recreate()
        if await _entered(client, code._resp):
            return
    raise ParleyError("The code was not scanned.", "Run `python bot.py login --qr` again, or log in with a phone code: python bot.py login")


async def _entered(client: TelegramClient, answer: Any) -> bool:
    """Telethon waits for an update, which can be lost: then the next code that is asked for brings the login instead."""
    if isinstance(answer, auth.LoginTokenMigrateTo):
        await client._switch_dc(answer.dc_id)
        answer = await client(ImportLoginTokenRequest(answer.token))
    if not isinstance(answer, auth.LoginTokenSuccess):
        return False
    await client._on_login(answer.authorization.user)
    return True


def _left_s(code: Any) -> float:
    """How long a code is shown, also where this machine's clock is wrong."""
    left: float = (code.expires - datetime.now(UTC)).total_seconds()
    return min(max(left, SHORTEST_S), LONGEST_S)


def drawn(url: str) -> str:
    """The QR code of ``url`` in half blocks, dark on light whatever the colours of the terminal are."""
    text = io.StringIO()
    segno.make(url, error="L", micro=False).terminal(text, border=QUIET_MODULES, compact=True)
    return "\n".join(f"{WHITE_ON_BLACK}{line}{RESET}" for line in text.getvalue().splitlines())
