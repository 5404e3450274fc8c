"""The script that every system follows: ordinary exchanges, interruptions, and signs of listening that should not interrupt."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from typing import Final

from benchmarks.harness.microphone import Microphone
from benchmarks.harness.sounds import ALPHABET, tone, words_heard
from benchmarks.harness.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Delays:
    """Fixed delays of stub engines, so that whatever is left over is the system's own time. In seconds."""

    stt_s: float = 0.1
    """From the end of the segment to its transcript."""
    first_token_s: float = 0.2
    token_s: float = 0.02
    first_audio_s: float = 0.1
    """From a sentence to its first sound."""
    vad_stop_s: float = 0.2
    """Silence that ends a turn."""

    @property
    def bound_s(self) -> float:
        """The least voice-to-voice time for whoever begins to work when the turn has ended."""
        later_tokens = len(SHORT.split(".")[0].split()) - 1
        return self.vad_stop_s + self.stt_s + self.first_token_s + later_tokens * self.token_s + self.first_audio_s


SHORT: Final = "Okay this is one. And two."
LONG: Final = "Okay this is one. " + " ".join(f"Sentence number {number} keeps on talking for a while." for number in range(8))
SPELLED: Final = " ".join(
    " ".join(words).capitalize() + "." for words in (ALPHABET[:5], ALPHABET[5:11], ALPHABET[11:17], ALPHABET[17:22], ALPHABET[22:])
)
"""A reply in which every word can be told from every other."""
QUESTION: Final = "hello there"
QUESTION_S: Final = 1.2
INTERRUPTION: Final = "wait a moment please"
INTERRUPTION_S: Final = 1.5
INTO_THE_REPLY_S: Final = 2.0
SIGNS_OF_LISTENING: Final = (("mm-hm", 0.35), ("yeah", 0.25), ("", 0.1), ("right", 0.3), ("okay", 0.45), ("", 0.2))
"""What is said over the bot's voice that does not want the floor, and for how long; without words it is a cough."""


def tokens(text: str) -> list[str]:
    """As language models stream it: words with the space before them."""
    return [word if place == 0 else " " + word for place, word in enumerate(text.split(" "))]


@dataclass(slots=True)
class Prompter:
    """What the stub engines are to hear and to answer next."""

    hears: str = QUESTION
    answers: str = SHORT
    answers_changed: Callable[[str], Awaitable[None]] | None = None
    """Told of each new answer, where the answer is given elsewhere."""

    async def prompt(self, hears: str, answers: str) -> None:
        """From now on."""
        self.hears = hears
        if answers != self.answers and self.answers_changed:
            await self.answers_changed(answers)
        self.answers = answers


@dataclass(frozen=True, slots=True)
class Listening:
    """What became of a reply over which a sign of listening was given."""

    sign: str
    finished: bool
    """It was heard to its last word."""
    silent_s: float
    """The longest silence in it from the sign on."""
    skipped: list[str]
    """Words never heard whole."""
    repeated: list[str]
    """Words heard whole more than once."""


@dataclass(slots=True)
class Results:
    """Of one session; times in seconds."""

    voice_to_voice_s: list[float] = field(default_factory=list)
    duck_s: list[float] = field(default_factory=list)
    silence_s: list[float] = field(default_factory=list)
    listenings: list[Listening] = field(default_factory=list)
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """How many exchanges of each kind. ``questions`` and ``interruptions`` are recorded speech; without any, tones are used."""

    turns: int = 0
    barge_ins: int = 0
    listenings: int = 0
    questions: Sequence[bytes] = ()


class Talk:
    """One person talking with one system."""

    def __init__(self, course: Course, microphone: Microphone, speaker: Speaker, prompter: Prompter) -> None:
        self.results = Results()
        self._course = course
        self._microphone = microphone
        self._speaker = speaker
        self._prompter = prompter
        self._questions = cycle(course.questions or (tone(QUESTION_S),))

    async def run(self) -> None:
        """All exchanges, one after the other."""
        for _ in range(self._course.turns):
            await self._exchange()
        for _ in range(self._course.barge_ins):
            await self._interrupt()
        for number in range(self._course.listenings):
            await self._listen(*SIGNS_OF_LISTENING[number % len(SIGNS_OF_LISTENING)])

    async def _ask(self, answers: str) -> float:
        """When the answer begins, after the end of the question; NaN: never."""
        await self._prompter.prompt(QUESTION, answers)
        await self._microphone.say(next(self._questions))
        sounds_s = await self._speaker.first_after(self._microphone.ended_s)
        self.results.missed += math.isnan(sounds_s)
        return sounds_s - self._microphone.ended_s

    async def _exchange(self) -> None:
        took_s = await self._ask(SHORT)
        if not math.isnan(took_s):
            self.results.voice_to_voice_s.append(took_s)
            await self._speaker.quiet()

    async def _interrupt(self) -> None:
        if math.isnan(await self._ask(LONG)):
            return
        await asyncio.sleep(INTO_THE_REPLY_S)
        await self._prompter.prompt(INTERRUPTION, SHORT)
        microphone, speaker = self._microphone, self._speaker
        await microphone.say(next(self._questions) if self._course.questions else tone(INTERRUPTION_S))
        await asyncio.sleep(0.05)
        self.results.duck_s.append(speaker.quieter_after(microphone.started_s) - microphone.started_s)
        self.results.silence_s.append(speaker.last_before(microphone.ended_s + 0.01) - microphone.started_s)
        await speaker.first_after(microphone.ended_s)
        await speaker.quiet()

    async def _listen(self, sign: str, seconds: float) -> None:
        if math.isnan(await self._ask(SPELLED)):
            return
        recorded: list[bytes] = []
        self._speaker.recorded = recorded
        await asyncio.sleep(INTO_THE_REPLY_S)
        await self._prompter.prompt(sign, SHORT)
        began = len(self._speaker.sounds)
        await self._microphone.say(tone(seconds))
        await self._speaker.quiet(2.5)
        self._speaker.recorded = None
        self.results.listenings.append(_listening(sign, recorded, self._longest_silence_s(began - 1)))

    def _longest_silence_s(self, first: int) -> float:
        sounds = self._speaker.sounds[first:]
        return max((later.begin_s - sound.end_s for sound, later in pairwise(sounds)), default=0.0)


def _listening(sign: str, recorded: list[bytes], silent_s: float) -> Listening:
    heard = words_heard(recorded)
    whole = [word.word for word in heard if word.whole]
    expected = ALPHABET[ALPHABET.index(heard[0].word) + 1 :] if heard else ALPHABET
    return Listening(
        sign,
        finished=ALPHABET[-1] in whole,
        silent_s=silent_s,
        skipped=[word for word in expected if word not in whole],
        repeated=[word for word in ALPHABET if whole.count(word) > 1],
    )
