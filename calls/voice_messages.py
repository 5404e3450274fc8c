"""The loop of voice messages: hear one, think, speak the answer. The same engines and the same history as in calls, and no Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import BinaryIO, Final

from audio.decode_process import decode_untrusted
from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, PLAYOUT_RATE_HZ, as_floats, peak
from audio.stt import Transcript
from audio.stt.splitting import split_where_quiet
from audio.tts import Voice
from audio.voice_note import VoiceNote, voice_note
from brain import Message, Role
from brain.clauses import ClauseSplitter
from brain.prompt import prompt
from brain.speakable import MAX_REPLY_CHARS
from calls.chat_histories import ChatHistories
from calls.drafting import Engines
from calls.history import PastExchange
from calls.latency import Stopwatch
from calls.manners import Manners
from errors import EngineError

PIECE_S: Final = 15.0
"""What is transcribed at once: short enough that a call never waits long behind a piece of a long message."""
SILENT_PEAK: Final = 60
"""A piece without a sample beyond this is not transcribed: hours of nothing cost nothing."""
MOST_DECODED_AT_ONCE: Final = 2
MOST_SPEAKING_S: Final = 60.0
INSTRUCTION: Final = "You are answering a voice message."
"""It also keeps the brain's cache of a call apart from that of the chat's voice messages, so that neither cuts the other short."""


class Activity(Enum):
    """What is being done with a voice message just now."""

    LISTENING = auto()
    THINKING = auto()
    SPEAKING = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody said in a voice message."""

    chat_id: int
    speaker_id: int
    speaker: str
    said: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in words and, where it was to be spoken and could be, as a voice note; ``failure`` says why it could not."""

    text: str
    note: VoiceNote | None = None
    failure: EngineError | None = None


class VoiceMessages:
    """Shared by all chats. What takes long runs in the engines and in a child process, never on the event loop."""

    def __init__(self, engines: Engines, histories: ChatHistories) -> None:
        self._engines = engines
        self._histories = histories
        self._decoders = asyncio.Semaphore(MOST_DECODED_AT_ONCE)

    async def hear(self, file: BinaryIO, declared_s: float | None, language: str | None, watch: Stopwatch) -> Transcript:
        """The words of a sound file that came from somebody; an empty text when there are none. ``language`` None detects it.

        :raises audio.codecs.SoundFileError: the file cannot be used.
        :raises errors.EngineError: nothing could turn it into text.
        """
        async with self._decoders:
            pcm = await decode_untrusted(file, declared_s)
        watch.lap("decode")
        heard: list[tuple[Transcript, int]] = []
        for piece in pieces(pcm, PIECE_S):
            if peak(piece) < SILENT_PEAK:
                continue
            with self._engines.speculation.transcription():
                transcript = await self._engines.stt.transcribe(piece, language)
            if transcript.text:
                language = language or transcript.language
                heard.append((transcript, len(piece)))
        watch.lap("transcribe")
        return joined(heard, language)

    async def answer(
        self, asked: Asked, manners: Manners, watch: Stopwatch, *, aloud: bool, on_activity: Callable[[Activity], None]
    ) -> Answer:
        """Think, and speak what was thought while the rest of it is still to come.

        :raises errors.EngineError: nothing could be thought.
        """
        on_activity(Activity.THINKING)
        clauses: asyncio.Queue[str | None] = asyncio.Queue(MAX_REPLY_CHARS)
        async with asyncio.TaskGroup() as group:
            thinking = group.create_task(self._think(self._messages(asked, manners), manners.voice.language, clauses))
            speaking = group.create_task(self._speak(clauses, manners.voice if aloud else None, watch, on_activity))
        text, spoken = speaking.result()
        if not text:
            raise thinking.result() or EngineError("There was no answer.", "Please ask once more.")
        if not isinstance(spoken, bytes):
            return Answer(text, failure=spoken)
        if not spoken:
            return Answer(text)
        note = await asyncio.to_thread(voice_note, spoken, PLAYOUT_RATE_HZ)
        watch.lap("encode")
        return Answer(text, note)

    @asynccontextmanager
    async def reading_ahead(self, chat_id: int, manners: Manners) -> AsyncIterator[None]:
        """While the block goes on, such as hearing, the brain reads what it will be told anyway."""
        reading = asyncio.create_task(self._read_ahead(chat_id, manners), name=f"reading ahead for {chat_id}")
        try:
            yield
            await asyncio.wait({reading})
        finally:
            reading.cancel()

    async def _read_ahead(self, chat_id: int, manners: Manners) -> None:
        """Best effort: what keeps the brain from it will show when it is to answer."""
        with suppress(EngineError):
            await self._engines.brain.prefill(self._prompt(chat_id, manners))

    def remember(self, asked: Asked, answered: str) -> None:
        """What was said, and the answer that has reached the chat (empty: none, or it is kept elsewhere)."""
        self._histories.of(asked.chat_id).add(PastExchange(asked.speaker, asked.said, answered, speaker_id=asked.speaker_id))

    def _messages(self, asked: Asked, manners: Manners) -> list[Message]:
        return self._prompt(asked.chat_id, manners, Message(Role.USER, asked.said, asked.speaker))

    def _prompt(self, chat_id: int, manners: Manners, *newest: Message) -> list[Message]:
        return prompt(
            f"{manners.instructions} {INSTRUCTION}",
            [*self._histories.of(chat_id).messages(), *newest],
            history_tokens=manners.history_tokens,
            small_model=manners.small_model,
        )

    async def _think(self, messages: Sequence[Message], language: str, clauses: asyncio.Queue[str | None]) -> EngineError | None:
        splitter = ClauseSplitter(language)
        try:
            async with aclosing(self._engines.brain.reply(messages)) as pieces_of_text:
                async for piece in pieces_of_text:
                    for clause in splitter.feed(piece) if isinstance(piece, str) else ():
                        await clauses.put(clause)
                    if splitter.full:
                        break
        except EngineError as error:
            return error
        finally:
            for clause in splitter.flush():
                await clauses.put(clause)
            await clauses.put(None)
        return None

    async def _speak(
        self, clauses: asyncio.Queue[str | None], voice: Voice | None, watch: Stopwatch, on_activity: Callable[[Activity], None]
    ) -> tuple[str, bytes | EngineError]:
        """All clauses as text, and as sound or why there is none (``voice`` ``None``: none is wanted)."""
        texts: list[str] = []
        sound = bytearray()
        failure: EngineError | None = None
        while (clause := await clauses.get()) is not None:
            if not texts:
                watch.lap("think")
            texts.append(clause)
            if voice is None or failure is not None:
                continue
            on_activity(Activity.SPEAKING)
            try:
                await self._synthesize(clause, voice, sound)
            except EngineError as error:
                failure = error
        watch.lap("speak" if voice else "think")
        return " ".join(texts), failure or bytes(sound)

    async def _synthesize(self, clause: str, voice: Voice, sound: bytearray) -> None:
        try:
            async with asyncio.timeout(MOST_SPEAKING_S), aclosing(self._engines.tts.synthesize(clause, voice)) as pieces_of_sound:
                async for pcm in pieces_of_sound:
                    sound += pcm
        except TimeoutError:
            raise EngineError(f"{self._engines.tts.name} did not finish a sentence within {MOST_SPEAKING_S:g} s.") from None


def pieces(pcm: bytes | bytearray, longest_s: float) -> Iterator[bytes]:
    """``pcm`` (16 kHz) in pieces of at most ``longest_s``, cut where it is quiet; only one piece at a time is held twice."""
    window = (int(longest_s * HEARING_RATE_HZ) + 1) * BYTES_PER_SAMPLE
    start = 0
    while start < len(pcm):
        samples = len(split_where_quiet(as_floats(bytes(pcm[start : start + window])), longest_s)[0])
        yield bytes(pcm[start : start + samples * BYTES_PER_SAMPLE])
        start += samples * BYTES_PER_SAMPLE


def joined(heard: Sequence[tuple[Transcript, int]], language: str | None) -> Transcript:
    """The transcripts of consecutive pieces as one, each as sure as its share of the sound; without their words' times."""
    if not heard:
        return Transcript("", language or "en", 0.0)
    total = sum(size for _, size in heard)
    confidence = sum(transcript.confidence * size for transcript, size in heard) / total
    text = " ".join(transcript.text.strip() for transcript, _ in heard)
    return replace(heard[0][0], text=text, confidence=confidence, words=())
