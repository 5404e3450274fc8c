"""Invitations to end-to-end encrypted calls of several people, which Telegram delivers as messages in a private chat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from telethon import TelegramClient, events
from telethon.errors import RPCError
from telethon.tl import functions, types

log = logging.getLogger(__name__)


class Invitations:
    """Declines each, and calls ``declined`` with the id of who has invited.

    docs/phoning.md says why Parley does not join such calls.
    """

    def __init__(self, client: TelegramClient, declined: Callable[[int], None]) -> None:
        self._client = client
        self._declined = declined
        self._declining: set[asyncio.Task[None]] = set()
        client.add_event_handler(self._on_message, events.Raw(types=types.UpdateNewMessage))

    async def _on_message(self, update: Any) -> None:
        message = update.message
        action = getattr(message, "action", None)
        if not isinstance(action, types.MessageActionConferenceCall) or message.out or action.missed or action.active or action.duration:
            return
        if not isinstance(message.peer_id, types.PeerUser):
            return
        task = asyncio.create_task(self._decline(message.id, message.peer_id.user_id))
        self._declining.add(task)
        task.add_done_callback(self._declining.discard)

    async def _decline(self, message_id: int, user_id: int) -> None:
        try:
            await self._client(functions.phone.DeclineConferenceCallInviteRequest(message_id))
        except (RPCError, ConnectionError) as error:
            log.info("an invitation to a call was not declined: %r", error)
        self._declined(user_id)
