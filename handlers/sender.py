"""Everything the program itself writes into chats goes through here, so that none of it is ever taken for a command of the owner."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import FloodWaitError, MessageIdInvalidError, MessageNotModifiedError, RPCError, SlowModeWaitError
from telethon.tl.types import DocumentAttributeAudio

from audio.voice_note import VoiceNote

log = logging.getLogger(__name__)

MOST_CHARACTERS: Final = 4096
MOST_REMEMBERED: Final = 2000
DISARMED_BY: Final = "› "
"""Put before a text of ours that would read as a command."""
FAILURES: Final = (RPCError, ConnectionError, TimeoutError, ValueError)


class OwnMessages:
    """The ids of messages that this program has sent."""

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[int, int], None] = OrderedDict()

    def add(self, chat_id: int, message_id: int) -> None:
        """The program has sent this message."""
        self._ids[chat_id, message_id] = None
        if len(self._ids) > MOST_REMEMBERED:
            self._ids.popitem(last=False)

    def include(self, message: Any) -> bool:
        """Whether the program has sent ``message``."""
        return (message.chat_id, message.id) in self._ids


class Sender:
    """Sends and edits plain text. What Telegram refuses is logged and lost; while it asks to wait, nothing is sent. ``clock``: seconds."""

    def __init__(self, client: TelegramClient, prefixes: str, own: OwnMessages, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._prefixes = prefixes
        self._own = own
        self._clock = clock
        self._quiet_until_s: dict[int | None, float] = {}

    async def send(self, chat: Any, chat_id: int, text: str, reply_to: int | None = None) -> int | None:
        """Write into a chat (``chat`` is what a request takes for it); the id of the message, or None when it could not be sent."""
        if self._must_wait(chat_id):
            log.warning("not sent, Telegram asks to wait: %.60r", text, extra={"chat_id": chat_id})
            return None
        try:
            sent = await self._client.send_message(chat, self._disarmed(text), reply_to=reply_to, parse_mode=None, link_preview=False)
        except FAILURES as error:
            self._note(chat_id, error)
            return None
        self._own.add(chat_id, sent.id)
        return int(sent.id)

    async def send_voice_note(self, chat: Any, chat_id: int, note: VoiceNote, reply_to: int | None = None) -> int | None:
        """Send a voice note; the id of the message, or None when it could not be sent, as where voice notes are forbidden."""
        if self._must_wait(chat_id):
            return None
        picture = DocumentAttributeAudio(max(1, round(note.duration_s)), voice=True, waveform=note.waveform)
        try:
            sent = await self._client.send_file(
                chat, note.ogg, voice_note=True, mime_type="audio/ogg", attributes=[picture], reply_to=reply_to
            )
        except FAILURES as error:
            self._note(chat_id, error)
            return None
        self._own.add(chat_id, sent.id)
        return int(sent.id)

    async def edit(self, chat: Any, chat_id: int, message_id: int, text: str) -> bool:
        """Change a message; false when it is no longer there, or may not be changed now."""
        if self._must_wait(chat_id):
            return False
        try:
            await self._client.edit_message(chat, message_id, self._disarmed(text), parse_mode=None, link_preview=False)
        except MessageNotModifiedError:
            return True
        except MessageIdInvalidError:
            return False
        except FAILURES as error:
            self._note(chat_id, error)
            return False
        return True

    def _disarmed(self, text: str) -> str:
        return (DISARMED_BY + text if text[:1] in self._prefixes else text)[:MOST_CHARACTERS]

    def _must_wait(self, chat_id: int) -> bool:
        now_s = self._clock()
        return any(self._quiet_until_s.get(who, now_s) > now_s for who in (None, chat_id))

    def _note(self, chat_id: int, error: Exception) -> None:
        log.warning("a message could not be sent: %r", error, extra={"chat_id": chat_id})
        if isinstance(error, SlowModeWaitError):
            self._quiet_until_s[chat_id] = self._clock() + error.seconds
        elif isinstance(error, FloodWaitError):
            self._quiet_until_s[None] = self._clock() + error.seconds


class ChatWriter:
    """Writes into chats by their id; ``input_peer`` finds what a request takes for one. What is not found is logged and not written to."""

    def __init__(self, input_peer: Callable[[int], Awaitable[Any]], sender: Sender) -> None:
        self._input_peer = input_peer
        self._sender = sender

    async def send(self, chat_id: int, text: str) -> int | None:
        """The id of the new message; None when it could not be sent."""
        chat = await self._found(chat_id)
        return None if chat is None else await self._sender.send(chat, chat_id, text)

    async def edit(self, chat_id: int, message_id: int, text: str) -> bool:
        """False when the message could not be changed."""
        chat = await self._found(chat_id)
        return chat is not None and await self._sender.edit(chat, chat_id, message_id, text)

    async def _found(self, chat_id: int) -> Any:
        try:
            return await self._input_peer(chat_id)
        except FAILURES as error:
            log.warning("the chat to be told something is not known: %r", error, extra={"chat_id": chat_id})
            return None
