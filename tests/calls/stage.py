"""A stage for conversations in virtual time: recorded speech through the real ear, scripted engines, a recorded playout."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from audio.pcm import FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, PLAYOUT_RATE_HZ, peak
from audio.playout import Playout
from audio.stt import Transcript
from audio.tts import Voice
from brain import Message
from brain.built_in_tools import BUILT_IN
from brain.engine import Piece
from brain.tools import Tool
from calls import events
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.lines import Participant
from calls.manners import Manners
from errors import EngineError

AUDIBLE = 300
ANN = Participant(1, "Ann", 101)
BOB = Participant(2, "Bob", 102)
SILENT = bytes(HEARING_FRAME_BYTES)


@dataclass(frozen=True)
class Clip:
    """Speech with its words, which are taken to be spread evenly over it."""

    pcm: bytes
    text: str

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / HEARING_RATE_HZ

    @property
    def onset_s(self) -> float:
        """Where its speech begins."""
        return int(np.argmax(np.abs(np.frombuffer(self.pcm, dtype="<i2").astype(int)) > 1500)) / HEARING_RATE_HZ

    def words_in(self, pcm: bytes) -> list[str]:
        words = self.text.split()
        samples = len(self.pcm) // 2
        centres = [int((place + 0.5) * samples / len(words)) for place in range(len(words))]
        return [word for word, centre in zip(words, centres, strict=True) if self.pcm[centre * 2 : centre * 2 + 160] in pcm]


@dataclass
class HearsClips:
    """A speech-to-text engine that recognises the clips of the stage, exactly, after ``delay_s``."""

    clips: list[Clip]
    delay_s: float = 0.1
    failure: EngineError | None = None
    name: str = "scripted hearing"
    lengths_s: list[float] = field(default_factory=list)
    glimpsed: str | None = ""
    """What every glimpse shows, if not the words of the clips; ``None``: nothing."""
    glimpse_delay_s: float = 0.1
    looked_at: list[bytes] = field(default_factory=list)
    """The sound of each glimpse."""
    confidence: float = 1.0

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        self.lengths_s.append(len(pcm) / 2 / HEARING_RATE_HZ)
        await asyncio.sleep(self.delay_s)
        if self.failure:
            raise self.failure
        return Transcript(" ".join(word for clip in self.clips for word in clip.words_in(pcm)), confidence=self.confidence)

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript | None:
        self.looked_at.append(pcm)
        await asyncio.sleep(self.glimpse_delay_s)
        words = " ".join(word for clip in self.clips for word in clip.words_in(pcm))
        return Transcript(self.glimpsed or words, confidence=0.9) if words and self.glimpsed is not None else None

    async def close(self) -> None: ...


@dataclass
class ScriptedBrain:
    """Answers with ``answer(messages)``, a word every ``token_s`` after ``first_token_s``."""

    answer: Callable[[Sequence[Message]], str]
    first_token_s: float = 0.2
    token_s: float = 0.02
    failure: EngineError | None = None
    name: str = "scripted brain"
    asked: list[list[Message]] = field(default_factory=list)
    read: list[list[Message]] = field(default_factory=list)
    """Ahead of time."""
    stopped_early: int = 0

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None:
        self.read.append(list(messages))

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        self.asked.append(list(messages))
        done = False
        try:
            await asyncio.sleep(self.first_token_s)
            if self.failure:
                raise self.failure
            for place, word in enumerate(self.answer(messages).split(" ")):
                yield word if place == 0 else " " + word
                await asyncio.sleep(self.token_s)
            done = True
        finally:
            self.stopped_early += not done

    async def close(self) -> None: ...


@dataclass
class ScriptedVoice:
    """Speaks a tone, 60 ms for each character, beginning after ``first_audio_s``."""

    first_audio_s: float = 0.1
    failure: EngineError | None = None
    name: str = "scripted voice"
    spoken: list[str] = field(default_factory=list)

    async def load(self) -> None: ...

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        self.spoken.append(text)
        await asyncio.sleep(self.first_audio_s)
        if self.failure:
            raise self.failure
        yield tone(0.06 * len(text))

    async def close(self) -> None: ...


def tone(seconds: float) -> bytes:
    phase = 2 * math.pi * 300 * np.arange(int(seconds * PLAYOUT_RATE_HZ)) / PLAYOUT_RATE_HZ
    return (np.sin(phase) * 9000).astype("<i2").tobytes()


@dataclass
class Stage:
    """Runs one conversation; times are seconds from its beginning."""

    clips: list[Clip]
    answer: Callable[[Sequence[Message]], str] = lambda _messages: "Yes. It is so."
    manners: Manners = field(default_factory=Manners)
    hears: HearsClips = field(init=False)
    thinks: ScriptedBrain = field(init=False)
    speaks: ScriptedVoice = field(default_factory=ScriptedVoice)
    tools: tuple[Tool, ...] = BUILT_IN
    lines: list[tuple[float, Participant, bytes]] = field(default_factory=list)
    happened: list[events.CallEvent] = field(default_factory=list)
    heard_by_all: list[tuple[float, bytes]] = field(default_factory=list)
    gone_quiet_after_s: float | None = None
    """From then on no frames at all arrive, as when everybody mutes."""

    def __post_init__(self) -> None:
        self.hears = HearsClips(self.clips)
        self.thinks = ScriptedBrain(self.answer)

    def say(self, at_s: float, clip: Clip | bytes, participant: Participant = ANN) -> float:
        """Have a participant speak; returns when the last sample is sent."""
        pcm = clip.pcm if isinstance(clip, Clip) else clip
        self.lines.append((at_s, participant, pcm))
        return at_s + len(pcm) / 2 / HEARING_RATE_HZ

    async def play(self, seconds: float) -> None:
        """Let the conversation run for so long."""
        loop = asyncio.get_running_loop()
        self.began_s = loop.time()
        playout = Playout(loop.time)
        bus = events.EventBus()
        bus.subscribe(self.happened.append)
        self.conversation = Conversation(-100, Engines(self.hears, self.thinks, self.speaks, tools=self.tools), self.manners, playout, bus)
        talk = asyncio.create_task(self.conversation.run())
        frames = [(ANN, self._microphone(ANN, seconds)), (BOB, self._microphone(BOB, seconds))]
        for tick in range(int(seconds / FRAME_S)):
            await asyncio.sleep(self.began_s + tick * FRAME_S - loop.time())
            for participant, microphone in frames:
                if self.gone_quiet_after_s is None or tick * FRAME_S < self.gone_quiet_after_s:
                    self.conversation.hear(participant, microphone[tick * HEARING_FRAME_BYTES : (tick + 1) * HEARING_FRAME_BYTES])
            self.heard_by_all.append((tick * FRAME_S, playout.read()))
        talk.cancel()
        await asyncio.gather(talk, return_exceptions=True)

    def _microphone(self, participant: Participant, seconds: float) -> bytes:
        samples = np.zeros(int(seconds * HEARING_RATE_HZ) + HEARING_FRAME_BYTES, dtype="<i2")
        for at_s, who, pcm in self.lines:
            if who.id == participant.id:
                start = int(at_s * HEARING_RATE_HZ)
                voice = np.frombuffer(pcm, dtype="<i2")[: len(samples) - start]
                samples[start : start + len(voice)] = voice
        return samples.tobytes()

    # ---- what came of it

    def of(self, kind: type[events.CallEvent]) -> list[events.CallEvent]:
        return [event for event in self.happened if type(event) is kind]

    def exchanges(self) -> list[events.ExchangeEnded]:
        return [event for event in self.happened if isinstance(event, events.ExchangeEnded)]

    def audible(self) -> list[tuple[float, float]]:
        """Stretches of audible sound, (from, to), with pauses under 300 ms closed."""
        stretches: list[list[float]] = []
        for at_s, frame in self.heard_by_all:
            if peak(frame) < AUDIBLE:
                continue
            if stretches and at_s - stretches[-1][1] < 0.3:
                stretches[-1][1] = at_s + FRAME_S
            else:
                stretches.append([at_s, at_s + FRAME_S])
        return [(start, end) for start, end in stretches]

    def loudness_at(self, at_s: float) -> int:
        return peak(self.heard_by_all[round(at_s / FRAME_S)][1])
