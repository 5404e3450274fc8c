"""Logging the account in on this machine, by phone code or by QR code, with the password of two-step verification where there is one.

The session is written, private from its first byte, when the login has succeeded; one that failed leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from telethon import TelegramClient, errors
from telethon.tl.types import auth
from telethon.utils import parse_phone

from calls.telegram.client import CONNECT_TIMEOUT_S, DEAD_SESSION, telegram_client
from calls.telegram.session import new_session, open_session, write_session
from calls.telegram.session_lock import SessionLock
from calls.telegram.terminal import Person
from config import Settings
from errors import ParleyError, SessionError
from redaction import hide

TRIES: Final = 3
AGAIN: Final = "Run `python bot.py login` again."
SignIn = Callable[[TelegramClient, Person], Awaitable[None]]
"""A way to sign in, without the password of two-step verification: it raises ``SessionPasswordNeededError`` where there is one."""

SENT: Final[dict[type, str]] = {
    auth.SentCodeTypeApp: "Telegram has sent a code to your other devices, in the chat named Telegram.",
    auth.SentCodeTypeSms: "Telegram has sent a code by SMS.",
    auth.SentCodeTypeCall: "Telegram calls the number and says a code.",
    auth.SentCodeTypeFlashCall: "Telegram calls the number: the code is in the number that calls.",
    auth.SentCodeTypeMissedCall: "Telegram calls the number: the code is the last digits of the number that calls.",
    auth.SentCodeTypeEmailCode: "Telegram has sent a code by e-mail.",
    auth.SentCodeTypeFragmentSms: "Telegram has sent a code to Fragment.",
}
REFUSED: Final[dict[type[errors.RPCError], tuple[str, str]]] = {
    errors.ApiIdInvalidError: ("API_ID and API_HASH do not belong together.", "Copy both again from my.telegram.org/apps."),
    errors.ApiIdPublishedFloodError: ("this API_ID is used by too many people.", "Make one of your own at my.telegram.org/apps."),
    errors.PhoneNumberBannedError: ("Telegram has banned this number.", "Use another account."),
    errors.PhoneNumberFloodError: ("there were too many logins with this number.", "Try again tomorrow."),
    errors.PhoneNumberUnoccupiedError: ("this number has no Telegram account.", "Make the account with a Telegram app first."),
    errors.PhonePasswordFloodError: ("there were too many wrong passwords.", "Try again tomorrow."),
    errors.UpdateAppToLoginError: ("Telegram lets nobody log in with so old a program.", "Update Parley."),
    errors.SendCodeUnavailableError: ("Telegram has no way left to send a code to this number.", "Log in with: python bot.py login --qr"),
}


async def log_in(settings: Settings, person: Person, sign_in: SignIn | None = None) -> str:
    """Log in and keep the session in the session file; returns the name of the account. By phone code unless ``sign_in`` is another way.

    :raises errors.ParleyError: settings are missing, the session is in use, Telegram refuses, or three wrong answers.
    """
    hide(settings.api_hash.get_secret_value() if settings.api_hash else None)
    if settings.telegram_session:
        raise SessionError("TELEGRAM_SESSION is set, so no login is needed.", "Remove it from .env to log in anew.")
    lock = SessionLock()
    try:
        return await _kept_name(settings, lock) or await _new_login(settings, person, sign_in or by_phone_code)
    except errors.FloodWaitError as flood:
        raise SessionError("Telegram wants no more logins for now.", f"Try again in {flood.seconds} seconds.") from None
    except errors.RPCError as error:
        raise _refused(error) from None
    except OSError as error:
        reason = f" ({error})" if str(error) else ""
        raise ParleyError(f"The login failed: Telegram could not be reached{reason}.", "Check the internet connection.") from None
    finally:
        lock.release()


async def _kept_name(settings: Settings, lock: SessionLock) -> str | None:
    """The name of the account of the session that is kept, if that is still good.

    :raises errors.SessionError: it is in use.
    """
    if not settings.session_file.exists():
        return None
    session = open_session(settings)
    if not session.auth_key:
        session.close()
        return None
    try:
        lock.take(session.auth_key)
    except SessionError as error:
        session.close()
        raise SessionError(error.what, "Stop that one first, or make a second login: python bot.py login --session NAME") from None
    try:
        async with _connected(telegram_client(settings, session)) as client:
            return _name_of(await client.get_me()) if await client.is_user_authorized() else None
    except tuple(DEAD_SESSION):
        return None


async def _new_login(settings: Settings, person: Person, sign_in: SignIn) -> str:
    async with _connected(telegram_client(settings, new_session(settings))) as client:
        try:
            await sign_in(client, person)
        except errors.SessionPasswordNeededError:
            await _give_password(client, person)
        name = _name_of(await client.get_me())
    write_session(settings.session_file, client.session)
    return name


@contextlib.asynccontextmanager
async def _connected(client: TelegramClient) -> AsyncIterator[TelegramClient]:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect()
        yield client
    finally:
        await client.disconnect()
        await asyncio.gather(client.disconnected, return_exceptions=True)  # else it is printed as never retrieved


async def by_phone_code(client: TelegramClient, person: Person) -> None:
    """Ask for the phone number and for the code that Telegram then sends."""
    phone = await _send_code(client, person)
    for left in reversed(range(TRIES)):
        code = await person.ask("The code: ")
        hide(code)
        try:
            await client.sign_in(phone, "".join(code.split()) or "0")
            return
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError):
            person.tell(_wrong("code", left))
        except errors.PhoneCodeExpiredError:
            person.tell("That code has expired; here comes another one.")
            person.tell(_where_it_is(await client.send_code_request(phone)))
    raise ParleyError("The code was wrong three times.", f"{AGAIN} You will get a new one.")


async def _send_code(client: TelegramClient, person: Person) -> str:
    for left in reversed(range(TRIES)):
        given = await person.ask("Phone number of the account, with the country code (+34…): ")
        phone: str | None = parse_phone(given)
        hide([given, phone])
        try:
            if phone is not None:
                person.tell(_where_it_is(await client.send_code_request(phone)))
                return phone
        except errors.PhoneNumberInvalidError:
            pass
        person.tell(f"Telegram knows no such number. {_tries(left)}")
    raise SessionError("The login failed: that is no phone number of an account.", "Give it with the country code, such as +34600000000.")


async def _give_password(client: TelegramClient, person: Person) -> None:
    for left in reversed(range(TRIES)):
        password = await person.ask("Password of two-step verification (it is not shown): ", secret=True)
        hide(password)
        try:
            await client.sign_in(password=password or " ")
            return
        except errors.PasswordHashInvalidError:
            person.tell(_wrong("password", left))
    raise ParleyError("The password was wrong three times.", AGAIN)


def _where_it_is(sent: Any) -> str:
    return SENT.get(type(sent.type), "Telegram has sent a code.")


def _wrong(what: str, left: int) -> str:
    return f"That {what} is wrong. {_tries(left)}"


def _tries(left: int) -> str:
    return {0: "That was the last try.", 1: "You have 1 more try."}.get(left, f"You have {left} more tries.")


def _name_of(me: Any) -> str:
    return " ".join(filter(None, (me.first_name, me.last_name))) or str(me.id)


def _said(error: errors.RPCError) -> str:
    return str(error).partition(" (caused by")[0].rstrip(".")


def _refused(error: errors.RPCError) -> SessionError:
    what, next_step = REFUSED.get(type(error), (f"Telegram says: {_said(error)}.", "Check the number, API_ID and API_HASH; try again."))
    return SessionError(f"The login failed: {what}", next_step)
