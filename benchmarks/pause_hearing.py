"""What is known of a pause, and when: detector, turn model and Whisper hear it in real time, at the moments at which a call asks them.

Transcribing begins in the lull in which the speech ends, while the detector still waits; the turn model is asked from the moment on in
which the detector calls it a pause. Both work at once and take from each other what this machine has.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from audio.pcm import BYTES_PER_SAMPLE, HEARING_FRAME_BYTES, HEARING_RATE_HZ
from audio.stt import SpeechToText
from audio.turn_model import TurnModel
from audio.vad import GatedSilero
from benchmarks.pauses import Stimulus
from calls.hearing import Hearing
from calls.lines import Participant
from calls.pause_reader import READ_EVERY_S
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing, PauseRules
from calls.turns.lulls import LullEdge
from errors import ParleyError

ENDLESS_S: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The turn model's answer about the sound up to ``at_s`` of silence, had at ``known_s``."""

    at_s: float
    known_s: float
    completeness: float


@dataclass(frozen=True, slots=True)
class Pause:
    """What was known when, in one pause or after one end; all times are silence as the detector hears it."""

    clip: str
    language: str
    true_end: bool
    noticed_s: float
    """Silence before the detector calls it a pause."""
    readings: tuple[Reading, ...]
    text: str
    words_known_s: float


@dataclass(slots=True)
class Ear:
    """Finds where in a stimulus the speech ends, as a call hears it."""

    lull_at_s: float = 0.0
    paused_at_s: float = 0.0
    ended_at_s: float = 0.0
    lull_over: bool = True
    _endpointing: Endpointing = field(default_factory=lambda: Endpointing(PauseRules(end_s=ENDLESS_S, longest_turn_s=ENDLESS_S)))
    _frames: int = 0

    def listen(self, pcm: bytes) -> None:
        """Hear all of ``pcm`` (16 kHz mono)."""
        hearing = Hearing(Participant(1, "recording"), GatedSilero(), self._endpointing, BargeIn(), self._now_s, self)
        for start in range(0, len(pcm) - HEARING_FRAME_BYTES + 1, HEARING_FRAME_BYTES):
            self._frames += 1
            hearing.hear(pcm[start : start + HEARING_FRAME_BYTES])
        self.ended_at_s = self._endpointing.speech_ended_s

    def _now_s(self) -> float:
        return self._frames * HEARING_FRAME_BYTES / BYTES_PER_SAMPLE / HEARING_RATE_HZ

    @property
    def words_asked_at_s(self) -> float:
        """When transcribing begins: in the lull if it has lasted, else with the pause."""
        return self.paused_at_s if self.lull_over else min(self.lull_at_s, self.paused_at_s)

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        """See :class:`calls.hearing.HearingListener`."""
        if edge is Edge.PAUSED:
            self.paused_at_s = self._now_s()
        elif edge is Edge.RESUMED:
            self.lull_over = True

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        """See :class:`calls.hearing.HearingListener`."""
        self.lull_over = edge is LullEdge.OVER
        if edge is LullEdge.BEGAN:
            self.lull_at_s = self._now_s()

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None:
        """See :class:`calls.hearing.HearingListener`."""

    def bot_audible(self) -> bool:
        """See :class:`calls.hearing.HearingListener`."""
        return False


@dataclass(slots=True)
class Listeners:
    """The models, and how long they took, in milliseconds."""

    model: TurnModel
    stt: SpeechToText
    readings: int
    """How often the turn model is asked in a pause."""
    decisions_ms: list[float] = field(default_factory=list)
    transcripts_ms: list[float] = field(default_factory=list)

    async def hear(self, stimulus: Stimulus, clip: str, language: str) -> Pause:
        """Let all of them hear ``stimulus``, in real time from the end of its speech on."""
        ear = Ear()
        ear.listen(stimulus.pcm)
        began_s = time.perf_counter() - ear.words_asked_at_s
        words = asyncio.create_task(self._words(_until(stimulus.pcm, ear.words_asked_at_s), language))
        readings = [await self._read(stimulus.pcm, began_s, ear, number) for number in range(self.readings)]
        text, text_at_s = await words
        noticed_s = ear.paused_at_s - ear.ended_at_s
        words_known_s = max(noticed_s, text_at_s - began_s - ear.ended_at_s)
        return Pause(clip, language, stimulus.true_end, noticed_s, tuple(readings), text, words_known_s)

    async def _words(self, pcm: bytes, language: str) -> tuple[str, float]:
        began_s = time.perf_counter()
        transcript = await self.stt.transcribe(pcm, language)
        self.transcripts_ms.append(1000 * (time.perf_counter() - began_s))
        return transcript.text, time.perf_counter()

    async def _read(self, pcm: bytes, began_s: float, ear: Ear, number: int) -> Reading:
        at_s = ear.paused_at_s + number * READ_EVERY_S
        await asyncio.sleep(max(0.0, began_s + at_s - time.perf_counter()))
        asked_s = time.perf_counter()
        completeness = await self.model.completeness(_until(pcm, at_s))
        assert completeness is not None
        self.decisions_ms.append(1000 * (time.perf_counter() - asked_s))
        return Reading(at_s - ear.ended_at_s, time.perf_counter() - began_s - ear.ended_at_s, completeness)


def _until(pcm: bytes, at_s: float) -> bytes:
    return pcm[: round(at_s * HEARING_RATE_HZ) * BYTES_PER_SAMPLE]


def save_pauses(pauses: Sequence[Pause], path: Path) -> None:
    """Keep what was heard, so that it need not be heard again."""
    path.write_text(json.dumps([asdict(pause) for pause in pauses], ensure_ascii=False), encoding="utf-8")


def load_pauses(path: Path) -> list[Pause]:
    """What :func:`save_pauses` kept.

    :raises errors.ParleyError: it can't be read.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [Pause(**{**entry, "readings": tuple(Reading(**reading) for reading in entry["readings"])}) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):
        raise ParleyError(f"{path} can't be read.", "Let the clips be heard again: benchmarks/turns.py --keep FILE.") from None
