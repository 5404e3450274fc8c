"""Sound that comes in bursts is not taken for sound that is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from audio.pcm import FRAME_S, HEARING_FRAME_BYTES
from audio.vad import EnergyActivity
from calls.hearing import Hearing
from calls.lines import Participant
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing, PauseRules
from calls.turns.lulls import LullEdge
from tests.calls.stage import tone

LOUD = tone(FRAME_S)[:HEARING_FRAME_BYTES]


@dataclass
class Listener:
    edges: list[Edge] = field(default_factory=list)

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        self.edges.append(edge)

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None: ...

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None: ...

    def bot_audible(self) -> bool:
        return False


class Ear:
    """A hearing whose clock stands still unless told."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.listener = Listener()
        self.hearing = Hearing(
            Participant(1, "Ann"), EnergyActivity(), Endpointing(PauseRules()), BargeIn(), lambda: self.now_s, self.listener
        )

    def burst(self, frames: int) -> None:
        for _ in range(frames):
            self.hearing.hear(LOUD)

    def wait(self, seconds: float) -> None:
        """As the conversation does: whether something is missing is looked at every 50 ms."""
        until_s = self.now_s + seconds
        while self.now_s < until_s - 1e-9:
            self.now_s = min(until_s, self.now_s + 0.05)
            self.hearing.fill_gap()

    @property
    def taken(self) -> int:
        return len(self.hearing.pcm()) // HEARING_FRAME_BYTES


@pytest.mark.parametrize(("frames", "every_s"), [(1, 0.01), (10, 0.1), (13, 0.128), (25, 0.25), (6, 0.1)])
def test_bursts_are_one_stretch_of_speech(frames: int, every_s: float) -> None:
    """MediaRecorder sends 60 ms or 120 ms every 100 ms; 4096 bytes are 128 ms."""
    ear = Ear()
    for _ in range(10):
        ear.burst(frames)
        ear.wait(every_s)
    assert ear.listener.edges == [Edge.BEGAN]
    assert ear.taken == 10 * frames


def test_sound_that_stops_coming_counts_as_silence() -> None:
    ear = Ear()
    ear.burst(50)
    ear.wait(0.3)
    assert ear.taken == 50
    ear.wait(1.0)
    assert ear.listener.edges == [Edge.BEGAN, Edge.PAUSED, Edge.ENDED]
