"""The packets of one voice in their order, as soon as they can be told. Pure.

A voice that is only listened to needs no steady clock, so nothing is held back to even out the network: a packet that comes in its turn is
given on at once, and only a missing one is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NUMBERS: Final = 1 << 16
"""Sequence numbers of RTP start over after this many."""
MOST_WAITING: Final = 3
"""60 ms of sound that came after a missing packet: then it is lost."""
MOST_MISSING: Final = 50
"""A jump in the numbers beyond this is a new beginning, not so many lost packets."""


@dataclass(slots=True)
class PacketOrder:
    """Fed with each packet as it comes. ``lost`` counts those that never came, ``late`` those that came too late."""

    lost: int = 0
    late: int = 0
    _next: int | None = None
    _waiting: dict[int, bytes] = field(default_factory=dict)

    def add(self, number: int, payload: bytes) -> list[bytes | None]:
        """The packets that are due now, in order; ``None`` stands for one that was lost."""
        ahead = 0 if self._next is None else (number - self._next) % NUMBERS
        if ahead >= NUMBERS - MOST_MISSING:
            self.late += 1
            return []
        if self._next is None or ahead > MOST_MISSING:
            self._waiting.clear()
            self._next = number
        self._waiting[number] = payload
        return self._due()

    def _due(self) -> list[bytes | None]:
        due: list[bytes | None] = []
        while self._waiting and self._next is not None:
            payload = self._waiting.pop(self._next, None)
            if payload is None and len(self._waiting) < MOST_WAITING:
                break
            self.lost += payload is None
            due.append(payload)
            self._next = (self._next + 1) % NUMBERS
        return due
