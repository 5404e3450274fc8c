"""Whom an id or a name means, if that is somebody who can be phoned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.errors import RPCError, UsernameInvalidError, UsernameNotOccupiedError
from telethon.tl import types
from telethon.tl.functions.contacts import GetContactsRequest
from telethon.utils import get_display_name

from calls import phone_errors
from calls.errors import of
from calls.lines.line import Participant
from calls.telegram.client import TelegramAccount


def person_finder(account: TelegramAccount) -> Callable[[int | str], Awaitable[Participant]]:
    """Asks ``account``; it can phone those it has met: contacts, people of its private chats and groups, public names."""

    async def find_person(user: int | str) -> Participant:
        try:
            found = await account.client.get_entity(await _peer(account, int(user) if str(user).isdigit() else str(user)))
        except (UsernameInvalidError, UsernameNotOccupiedError):
            raise of(phone_errors.NOBODY) from None
        except (ValueError, TypeError, RPCError, ConnectionError) as error:
            raise phone_errors.explain(error) from error
        if not isinstance(found, types.User) or found.bot or found.deleted or found.id == account.id:
            raise of(phone_errors.NOBODY)
        return Participant(found.id, get_display_name(found))

    return find_person


async def _peer(account: TelegramAccount, named: int | str) -> Any:
    if isinstance(named, str):
        return await account.client.get_input_entity(named)
    try:
        return await account.input_peer(named)
    except ValueError:
        await account.client(GetContactsRequest(hash=0))
        return await account.client.get_input_entity(named)
