"""Whom a command means: the sender of the message it replies to, or somebody named by id or @username."""

from __future__ import annotations

from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.utils import get_display_name, get_peer_id

from handlers.command import Request, WrongArguments

LARGEST_ID: Final = 2**52


async def person_meant(client: TelegramClient, request: Request, named: str) -> int:
    """The id of who is ``named``, or of who wrote the message that the command replies to.

    :raises WrongArguments: nobody is meant, or Telegram knows nobody of that name.
    """
    if not named:
        return await _replied_to(request)
    if named.lstrip("-").isascii() and named.lstrip("-").isdigit() and 0 < abs(int(named[:20])) < LARGEST_ID:
        return int(named)
    if not named.startswith("@") or len(named) > 33:
        raise WrongArguments(request.say("person.unknown", name=named[:40]))
    try:
        return int(get_peer_id(await client.get_input_entity(named)))
    except (ValueError, RPCError, ConnectionError):
        raise WrongArguments(request.say("person.unknown", name=named)) from None


async def _replied_to(request: Request) -> int:
    message = await request.message.get_reply_message() if request.reply_to_id else None
    if message is None or message.sender_id is None:
        raise WrongArguments(request.say("person.nobody"))
    return int(message.sender_id)


async def names_of(client: TelegramClient, ids: Any) -> str:
    """One line for each person: the name where Telegram tells it, and the id."""
    return "\n".join([f"• {await _name_of(client, user_id)}{user_id}" for user_id in sorted(ids)])


async def _name_of(client: TelegramClient, user_id: int) -> str:
    try:
        return f"{get_display_name(await client.get_entity(user_id))} · "
    except (ValueError, RPCError, ConnectionError):
        return ""
