"""From a sound source to a person: hands each frame on with its participant, and holds those of sources nobody is known for yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import drops
from calls.lines.line import HearingSink
from calls.telegram.participants import Roster
from drops import Drop

MOST_HELD_FRAMES: Final = 50
"""Half a second: an answer of Telegram takes less."""
MOST_UNKNOWN_SOURCES: Final = 16
"""The native library delivers at most 11 speakers at a time."""


class GroupHearing:
    """``on_unknown`` is called once when the first frame of an unknown source arrives."""

    def __init__(self, roster: Roster, sink: HearingSink, on_unknown: Callable[[], None]) -> None:
        self._roster = roster
        self._sink = sink
        self._on_unknown = on_unknown
        self._held: dict[int, deque[bytes]] = {}
        self.dropped = 0

    @property
    def unknown(self) -> list[int]:
        """Sources that are heard and belong to nobody known."""
        return list(self._held)

    def take(self, frames: Sequence[tuple[int, bytes]]) -> None:
        """The frames of one moment, as (ssrc, 10 ms)."""
        for ssrc, pcm in frames:
            participant = self._roster.by_ssrc(ssrc)
            if participant is None:
                self._hold(ssrc, pcm)
            else:
                self._sink(participant, pcm)

    def _hold(self, ssrc: int, pcm: bytes) -> None:
        if ssrc == self._roster.own_ssrc:
            return
        held = self._held.get(ssrc)
        if held is None:
            if len(self._held) >= MOST_UNKNOWN_SOURCES:
                self._drop(1)
                return
            held = self._held[ssrc] = deque(maxlen=MOST_HELD_FRAMES)
            self._on_unknown()
        self._drop(len(held) == MOST_HELD_FRAMES)
        held.append(pcm)

    def release(self) -> None:
        """Hand on what was held for sources that are known by now, in order."""
        for ssrc in self.unknown:
            participant = self._roster.by_ssrc(ssrc)
            if participant is not None:
                for pcm in self._held.pop(ssrc):
                    self._sink(participant, pcm)

    def forget(self, ssrcs: Sequence[int]) -> None:
        """Drop what is held for these sources: Telegram does not know them either. Their next frame asks again."""
        for ssrc in ssrcs:
            self._drop(len(self._held.pop(ssrc, ())))

    def _drop(self, frames: int) -> None:
        self.dropped += frames
        drops.note(Drop.HEARD_FRAMES, frames)
