"""Logging the account in on this machine: phone number, code, and the password of two-step verification where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from telethon import errors
from telethon.utils import parse_phone

from calls.telegram.client import create_client
from config import Settings
from errors import ParleyError, SessionError

Ask = Callable[[str], str]
"""Asks a person one question on the terminal."""

TRIES: Final = 3


async def log_in(settings: Settings, ask: Ask, ask_secretly: Ask) -> str:
    """Log in and keep the session in the session file (mode 0600); returns the name of the account.

    :raises errors.ParleyError: settings are missing, Telegram refuses, or three wrong answers.
    """
    if settings.telegram_session:
        raise SessionError("TELEGRAM_SESSION is set, so no login is needed.", "Remove it from .env to log in anew.")
    client = create_client(settings, new_session=True)
    try:
        await client.connect()
        if not await client.is_user_authorized():
            await _sign_in(client, ask, ask_secretly)
        me = await client.get_me()
    except errors.FloodWaitError as flood:
        raise SessionError("Telegram wants no more logins for now.", f"Try again in {flood.seconds} seconds.") from None
    except (errors.RPCError, OSError) as error:
        raise SessionError(f"The login failed: {error}.", "Check the number, API_ID and API_HASH, then try again.") from None
    finally:
        await client.disconnect()
    return " ".join(filter(None, (me.first_name, me.last_name))) or str(me.id)


async def _sign_in(client: Any, ask: Ask, ask_secretly: Ask) -> None:
    phone = parse_phone(ask("Phone number of the account, with country code (+34…): "))
    if phone is None:
        raise SessionError("The login failed: that is no phone number.", "Give it with the country code, such as +34600000000.")
    await client.send_code_request(phone)
    for _ in range(TRIES):
        code = ask("The code that Telegram has just sent to your other devices: ").strip()
        try:
            await client.sign_in(phone, code)
            return
        except errors.SessionPasswordNeededError:
            await _give_password(client, ask_secretly)
            return
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError):
            continue
    raise ParleyError("The code was wrong three times.", "Run `python bot.py login` again for a new one.")


async def _give_password(client: Any, ask_secretly: Ask) -> None:
    for _ in range(TRIES):
        try:
            await client.sign_in(password=ask_secretly("Password of two-step verification: "))
            return
        except errors.PasswordHashInvalidError:
            continue
    raise ParleyError("The password was wrong three times.", "Run `python bot.py login` again.")
