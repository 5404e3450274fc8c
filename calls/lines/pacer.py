"""The heartbeat of all calls: every 10 ms each open line pulls its next frame. One per process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import drops
from audio.pcm import FRAME_S
from calls.beat import ROUNDING_S, on_the_beat
from drops import Drop

log = logging.getLogger(__name__)

MOST_CATCH_UP_S: Final = 0.06
"""A pacer that is later than this drops the missed frames instead of sending them in a burst."""

Pull = Callable[[], None]


@dataclass(slots=True)
class Cadence:
    """Which frames are due at a time. Deadlines are absolute, so lateness never adds up.

    ``late`` counts wake-ups more than one frame late, ``dropped`` the frames that were given up.
    """

    next_s: float
    late: int = 0
    dropped: int = 0

    def due(self, now_s: float) -> int:
        """How many frames to send now; they count as sent."""
        behind_s = now_s - self.next_s
        if behind_s < -ROUNDING_S:
            return 0
        frames = int((behind_s + ROUNDING_S) / FRAME_S) + 1
        self.next_s += frames * FRAME_S
        if behind_s > FRAME_S:
            self.late += 1
        if behind_s > MOST_CATCH_UP_S:
            self.dropped += frames - 1
            return 1
        return frames


class Pacer:
    """Runs while there is a line to pull, on the event loop's clock."""

    def __init__(self) -> None:
        self._pulls: dict[object, Pull] = {}
        self._resting: dict[object, Pull] = {}
        self._next_beat: asyncio.TimerHandle | None = None
        self.cadence = Cadence(0.0)

    def add(self, line: object, pull: Pull) -> None:
        """Pull this line from now on."""
        self._pulls[line] = pull
        self._beat_on()

    def rest(self, line: object) -> None:
        """Leave this line alone until :meth:`wake`, because there is nothing for it to play."""
        if (pull := self._pulls.pop(line, None)) is not None:
            self._resting[line] = pull

    def wake(self, line: object) -> None:
        """Pull a line that rests again."""
        if (pull := self._resting.pop(line, None)) is not None:
            self._pulls[line] = pull
            self._beat_on()

    def remove(self, line: object) -> None:
        """Pull it no longer; without any line the pacer rests."""
        self._pulls.pop(line, None)
        self._resting.pop(line, None)
        self._rest_without_lines()

    def _rest_without_lines(self) -> None:
        if not self._pulls and self._next_beat is not None:
            self._next_beat.cancel()
            self._next_beat = None

    def _beat_on(self) -> None:
        if self._next_beat is None:
            loop = asyncio.get_running_loop()
            self.cadence.next_s = max(self.cadence.next_s, on_the_beat(loop.time(), FRAME_S))
            self._next_beat = loop.call_at(self.cadence.next_s, self._beat)

    def _beat(self) -> None:
        loop, dropped = asyncio.get_running_loop(), self.cadence.dropped
        frames = self.cadence.due(loop.time())
        drops.note(Drop.PLAYED_FRAMES, self.cadence.dropped - dropped)
        self._next_beat = loop.call_at(self.cadence.next_s, self._beat)
        for _ in range(frames):
            self._pull_all()
        self._rest_without_lines()

    def _pull_all(self) -> None:
        for line, pull in tuple(self._pulls.items()):
            try:
                pull()
            except Exception:
                log.exception("a line could not be pulled and falls silent")
                self._pulls.pop(line, None)
