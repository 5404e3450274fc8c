"""Who may command: admins who may manage voice chats. What Telegram says is remembered for a short while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from telethon import TelegramClient, events
from telethon.errors import ParticipantIdInvalidError, UserIdInvalidError, UserNotParticipantError
from telethon.tl import types
from telethon.utils import get_peer_id

GRANTED_FOR_S: Final = 300.0
REFUSED_FOR_S: Final = 15.0
"""Telegram tells nobody but the person themselves of a promotion, so a refusal is soon asked again."""
MOST_REMEMBERED: Final = 2000


@dataclass(frozen=True, slots=True)
class _Verdict:
    granted: bool
    until_s: float


class CallManagers:
    """Answers whether the sender of a message may manage voice chats in its chat."""

    def __init__(self, client: TelegramClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._verdicts: OrderedDict[tuple[int, int], _Verdict] = OrderedDict()
        client.add_event_handler(
            self._on_update, events.Raw(types=(types.UpdateChannel, types.UpdateChat, types.UpdateChatParticipantAdmin))
        )

    async def includes(self, message: Any) -> bool:
        """Whether the message is by the chat's creator, an admin with the right to manage calls, or an anonymous admin.

        :raises telethon.errors.RPCError: Telegram did not answer the question.
        """
        chat_id, sender_id = message.chat_id, message.sender_id
        if sender_id == chat_id:
            return True
        if sender_id is None or sender_id < 0:
            return False
        known = self._verdicts.get((chat_id, sender_id))
        if known is not None and self._clock() < known.until_s:
            return known.granted
        granted = await self._ask(message)
        self._remember((chat_id, sender_id), granted)
        return granted

    async def _ask(self, message: Any) -> bool:
        chat = await message.get_input_chat()
        try:
            permissions = await self._client.get_permissions(chat, _sender(chat, message))
        except (UserNotParticipantError, UserIdInvalidError, ParticipantIdInvalidError):
            return False
        return bool(permissions.is_creator or permissions.manage_call or (permissions.is_chat and permissions.is_admin))

    def _remember(self, key: tuple[int, int], granted: bool) -> None:
        self._verdicts[key] = _Verdict(granted, self._clock() + (GRANTED_FOR_S if granted else REFUSED_FOR_S))
        self._verdicts.move_to_end(key)
        if len(self._verdicts) > MOST_REMEMBERED:
            self._verdicts.popitem(last=False)

    def forget(self, chat_id: int) -> None:
        """Ask Telegram again about everybody in this chat."""
        for key in [key for key in self._verdicts if key[0] == chat_id]:
            del self._verdicts[key]

    async def _on_update(self, update: Any) -> None:
        is_channel = isinstance(update, types.UpdateChannel)
        self.forget(get_peer_id(types.PeerChannel(update.channel_id) if is_channel else types.PeerChat(update.chat_id)))


def _sender(chat: Any, message: Any) -> Any:
    """The sender as a request wants it. A sender that came without an access hash is named by way of the message."""
    known = message.input_sender
    return known if known is not None else types.InputPeerUserFromMessage(chat, message.id, message.sender_id)
