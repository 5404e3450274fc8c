"""A recorded conversation through the real ear, in audio time: what would have been decided when.

No clock is read and no sleep is slept. The models are asked at the moments at which a call would ask them, and their answers count from
a fixed time later, so that the same recording always gives the same decisions, however fast or busy the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from audio.pcm import FRAME_MS, FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, as_samples
from audio.stt import SpeechToText, Transcript
from audio.vad import VoiceActivity
from calls.hearing import Hearing
from calls.lines import Participant
from calls.manners import Manners
from calls.pause_reader import MOST_READINGS, READ_EVERY_S, TurnJudge
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing
from calls.turns.lulls import LullEdge
from calls.turns.patience import NOTHING, Evidence, Patience
from calls.turns.text_cues import finished_by_words

SOUND_TAKES_S: Final = 0.08
"""From asking the turn model to its answer, see :mod:`audio.turn_model`."""
WORDS_TAKE_S: Final = 0.35
"""From the pause to its words: Whisper base on two server cores, a few seconds of speech."""
AUDIBLE_PEAK: Final = 300
AUDIBLE_HOLD_FRAMES: Final = 300 // FRAME_MS
"""The bot counts as speaking through gaps of this length in its own channel."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The turn model's answer: the probability that the speaker has finished."""

    completeness: float


Happening = Edge | BargeInStep | Reading | Transcript


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that was decided, or became known, at ``at_s`` of the recording.

    ``silence_s`` is the silence so far (of an edge ``RESUMED``: the pause that is over), ``wait_s`` the silence that ends the turn as
    far as is known from this moment on. ``words`` of an edge ``PAUSED`` are those of the turn so far.
    """

    at_s: float
    what: Happening
    silence_s: float
    wait_s: float
    words: str = ""


@dataclass(slots=True)
class Timeline:
    """All that a replay gives: the moments in order, and the speech probability of each hop."""

    seconds: float
    hop_s: float
    moments: list[Moment] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)

    def of(self, what: Happening) -> list[Moment]:
        """The moments of one edge or step."""
        return [moment for moment in self.moments if moment.what == what]


async def replay_ear(people: bytes, bot: bytes | None, manners: Manners, judge: TurnJudge | None, stt: SpeechToText | None) -> Timeline:
    """Let one participant's sound (16 kHz mono) be heard as in a call with ``manners``.

    ``bot`` is Parley's own side of it; without one, barge-in is judged as if Parley spoke all the time. Without ``judge`` or ``stt``
    the rest decides.

    :raises errors.EngineError: a model failed.
    """
    bot_audible = audible_frames(bot) if bot is not None else None
    ear = _RecordedEar(manners, bot_audible, asks_sound=judge is not None, asks_words=stt is not None)
    for start in range(0, len(people), HEARING_FRAME_BYTES):
        ear.hear(people[start : start + HEARING_FRAME_BYTES].ljust(HEARING_FRAME_BYTES, b"\0"))
        while question := ear.due_question():
            if isinstance(question, _AskedForWords) and stt is not None:
                ear.answer(question, await stt.transcribe(question.pcm, manners.language))
            elif judge is not None:
                completeness = await judge.completeness(question.pcm)
                if completeness is not None:
                    ear.answer(question, Reading(completeness))
    return ear.timeline


def audible_frames(pcm: bytes) -> Sequence[bool]:
    """For each 10 ms of ``pcm`` (16 kHz mono) whether anything is, or was until just now, to be heard."""
    samples = np.abs(as_samples(pcm).astype(np.int32))
    length = HEARING_RATE_HZ * FRAME_MS // 1000
    loud = np.pad(samples, (0, -len(samples) % length)).reshape(-1, length).max(axis=1) >= AUDIBLE_PEAK
    last_loud = np.maximum.accumulate(np.where(loud, np.arange(len(loud)), -AUDIBLE_HOLD_FRAMES - 1))
    return [bool(recent) for recent in np.arange(len(loud)) - last_loud <= AUDIBLE_HOLD_FRAMES]


@dataclass(frozen=True, slots=True)
class _AskedForSound:
    at_s: float
    pcm: bytes = b""


@dataclass(frozen=True, slots=True)
class _AskedForWords:
    at_s: float
    pcm: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    from_s: float
    what: Reading | Transcript


class _Remembering:
    """A detector whose probabilities are kept."""

    def __init__(self, activity: VoiceActivity, probabilities: list[float]) -> None:
        self._activity = activity
        self._probabilities = probabilities

    @property
    def hop_s(self) -> float:
        return self._activity.hop_s

    def feed(self, frame: bytes) -> float | None:
        probability = self._activity.feed(frame)
        if probability is not None:
            self._probabilities.append(probability)
        return probability


class _RecordedEar:
    """The ear of one participant on the recording's own time; questions to the models are put down for somebody else to ask."""

    def __init__(self, manners: Manners, bot_audible: Sequence[bool] | None, *, asks_sound: bool, asks_words: bool) -> None:
        activity = manners.new_activity()
        self.timeline = Timeline(0.0, activity.hop_s)
        self._usual_s = manners.pauses.end_s
        self._patience = Patience(manners.waits) if manners.waits else None
        self._evidence = NOTHING
        self._bot_audible = bot_audible
        self._asks_sound = asks_sound
        self._asks_words = asks_words
        self._frames = 0
        self._paused_from_s = 0.0
        self._begin_s = manners.pauses.begin_s
        self._questions: list[_AskedForSound | _AskedForWords] = []
        self._answers: list[_Answer] = []
        self._hearing = Hearing(
            Participant(1, "recording"),
            _Remembering(activity, self.timeline.probabilities),
            Endpointing(manners.pauses),
            BargeIn(manners.barge_in),
            self.now_s,
            self,
        )

    def now_s(self) -> float:
        """The end of what was heard, in seconds of the recording."""
        return self._frames * FRAME_S

    def hear(self, frame: bytes) -> None:
        """Take the next 10 ms, then the answers that have come in by now."""
        self._frames += 1
        self.timeline.seconds = self.now_s()
        self._hearing.hear(frame)
        for answer in [answer for answer in self._answers if answer.from_s <= self.now_s()]:
            self._answers.remove(answer)
            self._learn(answer.what)

    def due_question(self) -> _AskedForSound | _AskedForWords | None:
        """The next question for a model that a call would have asked by now, with the sound of the turn up to now."""
        due = next((question for question in self._questions if question.at_s <= self.now_s()), None)
        if due is None:
            return None
        self._questions.remove(due)
        return due if isinstance(due, _AskedForWords) else _AskedForSound(self.now_s(), self._hearing.pcm())

    def answer(self, question: _AskedForSound | _AskedForWords, what: Reading | Transcript) -> None:
        """Hand in a model's answer; it counts from as much later as a model takes."""
        takes_s = WORDS_TAKE_S if isinstance(question, _AskedForWords) else SOUND_TAKES_S
        if isinstance(what, Transcript):
            self._write_down(what.text)
        self._answers.append(_Answer(question.at_s + takes_s, what))

    # ---- what the ear tells

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        """See :class:`calls.hearing.HearingListener`."""
        match edge:
            case Edge.BEGAN:
                self._note(edge, silence_s=0.0)
            case Edge.PAUSED:
                self._paused_from_s = self.now_s() - hearing.silence_s
                self._note(edge)
                self._ask()
            case Edge.RESUMED:
                pause_s = self.now_s() - self._begin_s - self._paused_from_s
                self._forget(learned_s=pause_s)
                self._note(edge, silence_s=pause_s)
            case Edge.ENDED | Edge.DROPPED:
                self._note(edge)
                self._forget()

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        """Too short to decide anything."""

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None:
        """See :class:`calls.hearing.HearingListener`."""
        self._note(step)

    def bot_audible(self) -> bool:
        """See :class:`calls.hearing.HearingListener`."""
        if self._bot_audible is None:
            return True
        return self._frames <= len(self._bot_audible) and self._bot_audible[self._frames - 1]

    # ---- what is known of a pause

    def _ask(self) -> None:
        now_s = self.now_s()
        self._questions = [_AskedForWords(now_s, self._hearing.pcm())] if self._asks_words else []
        if self._asks_sound:
            self._questions += [_AskedForSound(now_s + number * READ_EVERY_S) for number in range(MOST_READINGS)]

    def _learn(self, what: Reading | Transcript) -> None:
        if isinstance(what, Reading):
            self._know(self._evidence.heard(what.completeness))
        elif what.text:
            self._know(self._evidence.read(finished_by_words(what.text, what.language)))
        self._note(what)

    def _forget(self, learned_s: float | None = None) -> None:
        self._questions.clear()
        self._answers.clear()
        if self._patience is not None and learned_s is not None:
            self._patience.learn(learned_s)
        self._know(NOTHING)

    def _know(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._hearing.end_after(self._wait_s)

    @property
    def _wait_s(self) -> float:
        return self._patience.wait_s(self._evidence) if self._patience else self._usual_s

    def _write_down(self, words: str) -> None:
        """The words of the newest pause are known to the reader of the timeline, even if they come too late to decide anything."""
        moments = self.timeline.moments
        newest = max(index for index, moment in enumerate(moments) if moment.what is Edge.PAUSED)
        moments[newest] = replace(moments[newest], words=words)

    def _note(self, what: Happening, silence_s: float | None = None) -> None:
        silence_s = self._hearing.silence_s if silence_s is None else silence_s
        self.timeline.moments.append(Moment(self.now_s(), what, silence_s, self._wait_s))
