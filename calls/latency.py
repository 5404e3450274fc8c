"""Latency as a table that sums: one row of contiguous named spans per turn."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SPANS = ("endpointing", "hearing", "thinking", "speaking", "floor")
"""Waiting for the pause to be long enough (a setting), then what was still missing when it was: the words (speech-to-text
engine), the first clause (brain), its first sound (voice engine), and until that sound left (ours, or somebody else spoke)."""

OWNERS: Final = {"endpointing": "setting", "hearing": "engine", "thinking": "engine", "speaking": "engine", "floor": "ours"}
"""Who can make each span shorter."""


@dataclass(slots=True)
class Marks:
    """When, on the event loop's clock, each stage of one turn was reached; ``None`` until then."""

    speech_ended: float
    committed: float | None = None
    heard: float | None = None
    first_clause: float | None = None
    first_audio: float | None = None
    first_sound: float | None = None

    def spans_ms(self) -> dict[str, float]:
        """The stages' shares of the time from the last speech sample to the first sample of the reply, in order, summing to it.

        Work done ahead of the commit costs nothing; a stage that was never reached ends the row.
        """
        stages = (self.committed, self.heard, self.first_clause, self.first_audio, self.first_sound)
        spans: dict[str, float] = {}
        reached = self.speech_ended
        for name, at in zip(SPANS, stages, strict=True):
            if at is None:
                break
            spans[name] = round(max(0.0, at - reached) * 1000, 1)
            reached = max(reached, at)
        return spans


@dataclass(slots=True)
class Stopwatch:
    """Contiguous named spans of one piece of work, from its making on. ``clock`` gives seconds."""

    clock: Callable[[], float]
    spans_ms: dict[str, float] = field(default_factory=dict)
    _since_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._since_s = self.clock()

    def lap(self, name: str) -> None:
        """What went on since the last lap was this."""
        now_s = self.clock()
        self.spans_ms[name] = round(self.spans_ms.get(name, 0.0) + (now_s - self._since_s) * 1000, 1)
        self._since_s = now_s


class LatencyBook:
    """The newest voice-to-voice times of a call, as far as its own process can see them, in milliseconds."""

    def __init__(self, size: int = 200) -> None:
        self._rows: deque[float] = deque(maxlen=size)
        self.turns = 0

    def add(self, spans_ms: dict[str, float]) -> None:
        """Take one turn that was answered."""
        self.turns += 1
        self._rows.append(sum(spans_ms.values()))

    def percentile_ms(self, percent: int) -> float | None:
        """The ``percent``-th percentile, ``None`` before the first turn."""
        if not self._rows:
            return None
        if len(self._rows) == 1:
            return self._rows[0]
        return statistics.quantiles(self._rows, n=100, method="inclusive")[percent - 1]
