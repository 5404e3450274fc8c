"""Voice messages on Telegram: which of them are meant for the bot, and how many it takes on."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol

from telethon import TelegramClient, events
from telethon.errors import RPCError

from calls.latency import Stopwatch
from errors import ParleyError
from handlers import wording
from handlers.authority import Authorities, is_anonymous_admin
from handlers.chat_wishes import Wishes
from handlers.command import Authority
from handlers.dispatch import LanguageOf, is_spoken_by_its_sender
from handlers.mailbox import Mailboxes
from handlers.note_addressing import Arrived, NoteAddressing
from handlers.note_answering import NoteAnswering, Received
from handlers.rate import Rates
from handlers.sound_messages import Sound, sound_of

log = logging.getLogger(__name__)

MOST_WAITING: Final = 3
"""Voice messages of one chat that wait while another is answered."""
USER_MINUTES: Final = 30.0
CHAT_MINUTES: Final = 60.0
"""In an hour; each voice message counts for at least one."""
HOUR_S: Final = 3600.0
UNKNOWN_MINUTES: Final = 5.0
"""What a sound file counts for that does not say how long it is."""
FULL_QUEUE_WAIT_S: Final = 60.0


class WishesOf(Protocol):
    """What chats and people want."""

    async def of(self, chat_id: int) -> Wishes:
        """The wishes of a chat."""

    async def may_hear(self, chat_id: int, user_id: int) -> bool:
        """Whether somebody wants to be listened to in a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What decides on voice messages. ``own_id`` is the account, ``clock`` gives seconds, ``chance`` numbers from 0 up to 1."""

    wishes: WishesOf
    authorities: Authorities
    language_of: LanguageOf
    own_id: int
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


class VoiceNotes:
    """An async context manager: voice messages are answered inside it. Those of one chat are answered one by one."""

    def __init__(self, client: TelegramClient, answering: NoteAnswering, ears: Ears) -> None:
        self._client = client
        self._answering = answering
        self._ears = ears
        self._mailboxes = Mailboxes(MOST_WAITING)
        self._rates = Rates(USER_MINUTES, CHAT_MINUTES, HOUR_S)
        self._addressing = NoteAddressing()

    async def __aenter__(self) -> VoiceNotes:
        self._client.add_event_handler(self._on_message, events.NewMessage(incoming=True))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._client.remove_event_handler(self._on_message)
        await self._mailboxes.close()

    async def transcribe(self, message: Any, asker_id: int, language: str) -> None:
        """Have it written down what ``message`` says, as a reply to it.

        :raises errors.ParleyError: it carries no sound, or may not be listened to; for the chat.
        """
        sound = sound_of(message)
        if sound is None:
            raise ParleyError("Reply to a voice message with this command.", key="voice_message.reply_to_one")
        wishes = await self._ears.wishes.of(message.chat_id)
        if not wishes.listens:
            raise ParleyError("Listening is switched off in this chat.", key="voice_message.listening_is_off")
        if not await self._ears.wishes.may_hear(message.chat_id, message.sender_id or 0):
            raise ParleyError("Whoever said that does not want me to listen.", key="voice_message.does_not_want")
        received = Received(message, sound, wishes, language, asker_id)
        await self._take_on(received, lambda: self._answering.write_down(received))

    # ---- which are answered

    async def _on_message(self, event: Any) -> None:
        sound = sound_of(event.message)
        if sound is None or not is_spoken_by_its_sender(event.message):
            return
        try:
            await self._consider(event.message, sound)
        except (ParleyError, RPCError, ConnectionError, TimeoutError, ValueError) as error:
            log.warning("a voice message is not answered: %r", error, extra={"chat_id": event.message.chat_id})

    async def _consider(self, message: Any, sound: Sound) -> None:
        ears, watch = self._ears, Stopwatch(time.monotonic)
        if not await self._may_ask(message):
            return
        wishes, arrived = await ears.wishes.of(message.chat_id), await self._arrived(message, sound)
        verdict = self._addressing.decide(arrived, wishes.manners, ears.clock(), ears.chance())
        if not (wishes.works and verdict.answers and await ears.wishes.may_hear(message.chat_id, message.sender_id)):
            return
        received = Received(message, sound, wishes, await ears.language_of(message.chat_id), message.sender_id, watch)
        if wishes.listens:
            await self._take_on(received, lambda: self._answer(received, arrived))
        elif arrived.to_us:
            await self._answering.tell(received, received.say("voice_message.listening_is_off"))

    async def _may_ask(self, message: Any) -> bool:
        if message.sender_id is None or await self._ears.authorities.shut_out(message):
            return False
        if message.is_private:
            return await self._ears.authorities.of(message, Authority.MEMBER) > Authority.STRANGER
        return bool(message.sender_id > 0 or is_anonymous_admin(message))

    async def _arrived(self, message: Any, sound: Sound) -> Arrived:
        to_us = bool(message.is_private or message.mentioned) or await self._replies_to_us(message)
        by_bot = bool(getattr(await message.get_sender(), "bot", False))
        return Arrived(message.chat_id, message.sender_id, message.message or "", to_us, sound.spoken, by_bot)

    async def _replies_to_us(self, message: Any) -> bool:
        replied = await message.get_reply_message() if message.reply_to else None
        return replied is not None and replied.sender_id == self._ears.own_id

    async def _answer(self, received: Received, arrived: Arrived) -> None:
        answer = await self._answering.answer(received)
        self._addressing.answered(arrived, received.wishes.manners, answer, self._ears.clock())

    # ---- how many

    async def _take_on(self, received: Received, work: Callable[[], Awaitable[None]]) -> None:
        """Put the work in the chat's queue, unless too much is asked; then its sender is told, once in a while."""
        chat_id, asker_id, now_s = received.chat_id, received.asker_id, self._ears.clock()
        if too_much := self._rates.spend(chat_id, asker_id, _minutes(received.sound), now_s):
            told = received.say("voice_message.wait", minutes=-(-too_much.wait_s // 60))
        elif self._mailboxes.post(chat_id, lambda: self._done(received, work)):
            return
        else:
            too_much = self._rates.refuse(chat_id, asker_id, FULL_QUEUE_WAIT_S, now_s)
            told = received.say("voice_message.too_many", count=MOST_WAITING + 1)
        if too_much.tell:
            await self._answering.tell(received, told)

    async def _done(self, received: Received, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ParleyError as error:
            await self._answering.tell(received, wording.of_error(received.language, error))
        except Exception:
            log.exception("a voice message in chat %s failed", received.chat_id)
            await self._answering.tell(received, received.say("not_understood"))


def _minutes(sound: Sound) -> float:
    """What a voice message counts for; one that is too long is refused at no further cost."""
    if sound.duration_s is None:
        return UNKNOWN_MINUTES
    return 1.0 if sound.duration_s > USER_MINUTES * 60 else max(1.0, sound.duration_s / 60)
