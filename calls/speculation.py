"""How much is worked ahead of the commit, over all calls: a budget, and what came of it. It is the first thing that is shed under load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

MOST_AT_ONCE: Final = 4
"""Transcriptions in the queue, beyond which nothing more is begun ahead of time."""


@dataclass(slots=True)
class Speculation:
    """Shared by all calls of the process. ``begun`` counts replies begun before their turn was over, ``used`` those that were spoken."""

    most_at_once: int = MOST_AT_ONCE
    transcribing: int = 0
    glimpse_again_at_s: float = 0.0
    """Never, while there is a glimpse under way."""
    begun: int = 0
    used: int = 0
    shed: int = 0

    @contextmanager
    def transcription(self) -> Iterator[None]:
        """Around each transcription, wanted early or not."""
        self.transcribing += 1
        try:
            yield
        finally:
            self.transcribing -= 1

    @contextmanager
    def glimpse(self, clock: Callable[[], float]) -> Iterator[None]:
        """Around a transcription of words whose speaker goes on. They take up half of the time at most."""
        began_s, self.glimpse_again_at_s = clock(), math.inf
        try:
            yield
        finally:
            self.glimpse_again_at_s = 2 * clock() - began_s

    def may_glimpse(self, now_s: float) -> bool:
        """Whether to transcribe while somebody still speaks: only if nothing else is being transcribed."""
        return self.may_listen_in_a_lull() and now_s >= self.glimpse_again_at_s

    def may_listen_in_a_lull(self) -> bool:
        """Whether to transcribe where speech may just have ended: only while nobody else's words are awaited."""
        return self.most_at_once > 0 and self.transcribing == 0

    def may_work_ahead(self) -> bool:
        """Whether to work on a turn in its pause; if not, that is counted, and the work begins when the turn has ended."""
        if self.transcribing < self.most_at_once:
            return True
        self.shed += 1
        return False

    @property
    def hit_rate(self) -> float | None:
        """The share of the replies begun early that were spoken; ``None`` before the first."""
        return self.used / self.begun if self.begun else None
