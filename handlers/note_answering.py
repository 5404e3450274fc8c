"""What is done with a voice message that is meant for the bot: it is fetched, heard, and answered in kind or written down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from telethon import TelegramClient
from telethon.utils import get_display_name

from audio.stt import Transcript
from calls.events import CallEvent, VoiceMessageAnswered
from calls.latency import Stopwatch
from calls.state import CallState, PublicState
from calls.voice_messages import Activity, Answer, Asked, VoiceMessages
from errors import EngineError, ParleyError
from handlers.chat_action import RECORDS, TYPES, ShownAction
from handlers.chat_wishes import Wishes
from handlers.sender import MOST_CHARACTERS, Sender
from handlers.sound_messages import Sound, fetched, marked_as_listened
from handlers.wording import say

log = logging.getLogger(__name__)

ACTIONS: Final = {Activity.THINKING: TYPES, Activity.SPEAKING: RECORDS}


class Calls(Protocol):
    """What voice messages need of the calls."""

    def state(self, chat_id: int) -> CallState:
        """Where the chat's call stands."""

    async def speak(self, chat_id: int, text: str) -> bool:
        """Say something in the chat's call; false when it could not be said there."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message with sound, what is wanted in its chat, and who asked for something to be done with it."""

    message: Any
    sound: Sound
    wishes: Wishes
    language: str
    asker_id: int
    watch: Stopwatch = field(default_factory=lambda: Stopwatch(time.monotonic))

    @property
    def chat_id(self) -> int:
        """Of the chat it came in."""
        return int(self.message.chat_id)

    def say(self, key: str, /, **fields: object) -> str:
        """A text of the catalogues in the language of the chat."""
        return say(self.language, key, **fields)


class NoteAnswering:
    """Hears and answers; everything that keeps it from doing so is raised as an error that the chat can be told."""

    def __init__(
        self,
        client: TelegramClient,
        messages: VoiceMessages,
        calls: Calls,
        sender: Sender,
        publish: Callable[[CallEvent], None] = lambda _event: None,
    ) -> None:
        self._client = client
        self._messages = messages
        self._calls = calls
        self._sender = sender
        self._publish = publish

    async def answer(self, received: Received) -> str:
        """Answer the message: in the chat's call where there is one, else with a voice note, else in writing. Returns the answer.

        :raises errors.ParleyError: what to tell the chat instead.
        """
        received.watch.lap("wait")
        async with ShownAction(self._client, await received.message.get_input_chat()) as shown:
            async with self._messages.reading_ahead(received.chat_id, received.wishes.manners):
                heard = await self._heard(received)
            async with marked_as_listened(self._client, received.message):
                _check_words(heard, received)
                asked = Asked(received.chat_id, received.message.sender_id, await _name_of(received.message), heard.text)
                in_call = self._calls.state(received.chat_id).state is PublicState.JOINED
                answer = await self._thought(asked, received, shown, aloud=received.wishes.speaks and not in_call)
        if in_call:
            self._messages.remember(asked, "")
            if await self._calls.speak(asked.chat_id, answer.text):
                self._tell_answered(received, asked, answer.text, spoken=True)
                return answer.text
            sent = await self._send(received, replace(asked, said=""), answer)
        else:
            sent = await self._send(received, asked, answer)
        self._tell_answered(received, asked, answer.text if sent else "", spoken=answer.note is not None)
        return answer.text

    async def write_down(self, received: Received) -> None:
        """Reply with the words of the message.

        :raises errors.ParleyError: what to tell the chat instead.
        """
        async with ShownAction(self._client, await received.message.get_input_chat()):
            heard = await self._heard(received)
            async with marked_as_listened(self._client, received.message):
                _check_words(heard, received)
        for part in parts(received.say("voice_message.transcript", text=heard.text), MOST_CHARACTERS):
            await self.tell(received, part)

    async def tell(self, received: Received, text: str) -> int | None:
        """Reply in writing; the id of the reply if it could be sent."""
        chat = await received.message.get_input_chat()
        return await self._sender.send(chat, received.chat_id, text, reply_to=received.message.id)

    async def _heard(self, received: Received) -> Transcript:
        received.sound.check()
        manners = received.wishes.manners
        async with fetched(self._client, received.message) as file:
            received.watch.lap("download")
            try:
                return await self._messages.hear(file, received.sound.duration_s, manners.language, received.watch)
            except EngineError as error:
                raise _trouble("voice_message.not_heard", error) from error

    async def _thought(self, asked: Asked, received: Received, shown: ShownAction, *, aloud: bool) -> Answer:
        try:
            return await self._messages.answer(
                asked, received.wishes.manners, received.watch, aloud=aloud, on_activity=lambda activity: shown.show(ACTIONS[activity])
            )
        except EngineError as error:
            raise _trouble("voice_message.not_thought", error) from error

    async def _send(self, received: Received, asked: Asked, answer: Answer) -> bool:
        """Whether the answer has reached the chat."""
        if answer.failure:
            log.warning("the answer is written, not spoken: %s", answer.failure, extra={"chat_id": received.chat_id})
        chat, sent = await received.message.get_input_chat(), None
        if answer.note:
            sent = await self._sender.send_voice_note(chat, received.chat_id, answer.note, received.message.id)
        sent = sent or await self.tell(received, answer.text)
        received.watch.lap("upload")
        self._messages.remember(asked, answer.text if sent else "")
        return sent is not None

    def _tell_answered(self, received: Received, asked: Asked, answer: str, *, spoken: bool) -> None:
        self._publish(
            VoiceMessageAnswered(
                chat_id=received.chat_id,
                at_s=time.monotonic(),
                message_id=received.message.id,
                spoken=spoken,
                spans_ms=received.watch.spans_ms,
                speaker=asked.speaker,
                speaker_id=asked.speaker_id,
                said=asked.said,
                answer=answer,
            )
        )


def _check_words(heard: Transcript, received: Received) -> None:
    if not heard.text or heard.confidence < received.wishes.manners.lowest_confidence:
        raise ParleyError("I could not make out any words in that.", key="voice_message.no_words")


def _trouble(key: str, error: EngineError) -> ParleyError:
    return ParleyError(str(error), key=key, fields={"what": error})


async def _name_of(message: Any) -> str:
    sender = await message.get_sender()
    return get_display_name(sender) if sender else ""


def parts(text: str, longest: int) -> Iterator[str]:
    """``text`` in as few messages as will hold it, cut between words."""
    while len(text) > longest:
        cut = text.rfind(" ", longest // 2, longest)
        head = text[: cut if cut > 0 else longest]
        yield head
        text = text[len(head) :].lstrip()
    yield text
