"""Everything the program itself writes into chats goes through here, so that none of it is ever taken for a command of the owner."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import MessageIdInvalidError, MessageNotModifiedError, RPCError
from telethon.tl.types import DocumentAttributeAudio

from audio.voice_note import VoiceNote
from calls.gates import Gates
from handlers.send_budget import SendBudget
from handlers.send_limits import Sending, SendLimits

log = logging.getLogger(__name__)

MOST_CHARACTERS: Final = 4096
MOST_REMEMBERED: Final = 2000
DISARMED_BY: Final = "› "
"""Put before a text of ours that would read as a command."""
ANSWERED_WITHIN_S: Final = 16.0
"""How long an answer may wait for our own limits: as long as those on edits reach back."""
TOLD_WITHIN_S: Final = 60.0
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


@dataclass(frozen=True, slots=True)
class _Text:
    chat: Any
    text: str
    reply_to: int | None


class Sender:
    """Sends and edits plain text. What Telegram refuses is logged and lost, and what it will not have is not sent: see
    :mod:`handlers.send_limits`. In slow mode the newest text of a chat is sent when the next one may be.

    ``gates`` are the account's, whose own limits are kept to, too. ``refused`` is told each error that concerns the whole account,
    ``clock`` gives seconds.
    """

    def __init__(
        self,
        client: TelegramClient,
        prefixes: str,
        own: OwnMessages,
        clock: Callable[[], float] = time.monotonic,
        *,
        gates: Gates | None = None,
        refused: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._client = client
        self._prefixes = prefixes
        self._own = own
        self._clock = clock
        self._refused = refused
        self._limits = SendLimits()
        self._budget = SendBudget(gates or Gates(clock), clock)
        self._newest: dict[int, _Text] = {}
        self._later: dict[int, asyncio.Task[None]] = {}

    def busy_for_s(self, chat_id: int) -> float:
        """How long until another command of the chat should be answered; 0: now."""
        return self._budget.busy_for_s(chat_id)

    async def close(self) -> None:
        """What still waits is not sent any more."""
        for task in self._later.values():
            task.cancel()
        await asyncio.gather(*self._later.values(), return_exceptions=True)

    async def send(self, chat: Any, chat_id: int, text: str, reply_to: int | None = None, *, asked_for: bool = True) -> int | None:
        """Write into a chat (``chat`` is what a request takes for it); the id of the message, or None when it could not be sent (yet).

        ``asked_for``: somebody there waits for it.
        """
        message = _Text(chat, self._disarmed(text), reply_to)
        if not await self._may(Sending.TEXT, chat_id, asked_for=asked_for):
            self._keep(chat_id, message)
            return None
        try:
            sent = await self._client.send_message(chat, message.text, reply_to=reply_to, parse_mode=None, link_preview=False)
        except FAILURES as error:
            self._note(Sending.TEXT, chat_id, error)
            self._keep(chat_id, message)
            return None
        self._own.add(chat_id, sent.id)
        return int(sent.id)

    async def send_voice_note(self, chat: Any, chat_id: int, note: VoiceNote, reply_to: int | None = None) -> int | None:
        """Send a voice note; the id of the message, or None when it could not be sent, as where voice notes are forbidden."""
        if not await self._may(Sending.NOTE, chat_id):
            return None
        picture = DocumentAttributeAudio(max(1, round(note.duration_s)), voice=True, waveform=note.waveform)
        try:
            sent = await self._client.send_file(
                chat, note.ogg, voice_note=True, mime_type="audio/ogg", attributes=[picture], reply_to=reply_to
            )
        except FAILURES as error:
            self._note(Sending.NOTE, chat_id, error)
            return None
        self._own.add(chat_id, sent.id)
        return int(sent.id)

    async def edit(self, chat: Any, chat_id: int, message_id: int, text: str) -> bool:
        """Change a message; false when it is no longer there, or may not be changed now."""
        if not await self._may(Sending.EDIT, chat_id):
            return False
        try:
            await self._client.edit_message(chat, message_id, self._disarmed(text), parse_mode=None, link_preview=False)
        except MessageNotModifiedError:
            return True
        except MessageIdInvalidError:
            return False
        except FAILURES as error:
            self._note(Sending.EDIT, chat_id, error)
            return False
        return True

    def _disarmed(self, text: str) -> str:
        return (DISARMED_BY + text if text[:1] in self._prefixes else text)[:MOST_CHARACTERS]

    async def _may(self, sending: Sending, chat_id: int, *, asked_for: bool = True) -> bool:
        """Whether this may be written; what nobody waits for may itself wait for long."""
        allowed = self._limits.allow(sending, chat_id, self._clock(), asked_for=asked_for) and (asked_for or not self._budget.stopped)
        allowed = allowed and await self._budget.admit(sending, chat_id, ANSWERED_WITHIN_S if asked_for else TOLD_WITHIN_S)
        if not allowed:
            log.warning("not written (%s): Telegram will not have it now", sending, extra={"chat_id": chat_id})
        return allowed

    def _note(self, sending: Sending, chat_id: int, error: Exception) -> None:
        log.warning("a message could not be sent: %r", error, extra={"chat_id": chat_id})
        self._limits.note(sending, chat_id, error, self._clock())
        self._refused(error)

    # ---- slow mode

    def _keep(self, chat_id: int, message: _Text) -> None:
        """Send it when slow mode allows, unless a newer one comes."""
        if not self._limits.slow_for_s(chat_id, self._clock()):
            return
        self._newest[chat_id] = message
        if chat_id not in self._later:
            self._later[chat_id] = asyncio.create_task(self._send_later(chat_id), name=f"slow mode in {chat_id}")

    async def _send_later(self, chat_id: int) -> None:
        try:
            await asyncio.sleep(self._limits.slow_for_s(chat_id, self._clock()))
        finally:
            newest = self._newest.pop(chat_id)
            del self._later[chat_id]
        await self.send(newest.chat, chat_id, newest.text, newest.reply_to)


class ChatWriter:
    """Writes into chats, by their id, what nobody has asked for; ``input_peer`` finds what a request takes for one.

    What is not found is logged and not written to. The owner, in ``owner_chat``, wants to be told at any time.
    """

    def __init__(self, input_peer: Callable[[int], Awaitable[Any]], sender: Sender, owner_chat: int | None = None) -> None:
        self._input_peer = input_peer
        self._sender = sender
        self._owner_chat = owner_chat

    async def send(self, chat_id: int, text: str) -> int | None:
        """The id of the new message; None when it could not be sent."""
        chat = await self._found(chat_id)
        return None if chat is None else await self._sender.send(chat, chat_id, text, asked_for=chat_id == self._owner_chat)

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
