"""Which of the model's few prompt caches a prompt goes to, so that a conversation finds its own again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from brain.engine import Message, Role


@dataclass(slots=True)
class Slot:
    """One prompt cache. ``messages`` is what it has read, ``request`` the work it does now, ``used`` grows with each use."""

    index: int
    messages: tuple[Message, ...] = ()
    request: int | None = None
    reads_ahead: bool = False
    used: int = 0

    def common(self, messages: Sequence[Message]) -> int:
        """How many leading messages the cache shares with ``messages``."""
        pairs = zip(self.messages, messages, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def lost(self, messages: Sequence[Message]) -> int:
        """How many messages the cache forgets when ``messages`` goes here."""
        return len(self.messages) - self.common(messages)

    def is_of(self, messages: Sequence[Message]) -> bool:
        """Whether it has read the same conversation: more than the instructions in common, at most the newest message different."""
        return self.common(messages) > 1 and self.lost(messages) <= 1

    def begins(self, messages: Sequence[Message]) -> bool:
        """Whether ``messages`` go on where it has read, be it in the middle of the newest one."""
        lost = self.lost(messages)
        return lost == 0 or (lost == 1 == len(messages) - self.common(messages) and _begins_alike(self.messages[-1], messages[-1]))


class Slots:
    """All prompt caches of a model."""

    def __init__(self, count: int) -> None:
        self._slots = [Slot(index) for index in range(count)]
        self._uses = 0

    def superseded_by(self, messages: Sequence[Message]) -> int | None:
        """The request at work that a reply to ``messages`` makes pointless: one of the same conversation, or reading ahead for it."""
        at_work = (slot for slot in self._slots if slot.request is not None)
        found = (slot for slot in at_work if slot.is_of(messages) or (slot.reads_ahead and slot.begins(messages)))
        return next((slot.request for slot in found), None)

    def idle_for(self, messages: Sequence[Message]) -> Slot | None:
        """The idle slot that costs the least to use for ``messages``: its own, else an empty one, else the one unused longest."""
        idle = (slot for slot in self._slots if slot.request is None)
        return min(idle, key=lambda slot: (*_regret(slot, messages), slot.used), default=None)

    def idle_for_reading_ahead(self, messages: Sequence[Message]) -> Slot | None:
        """The same for reading ahead. ``None`` when none is idle, when it is read already, or while its own slot is at work.

        Instructions alone may be those of a second conversation, which gets a slot of its own while one is empty.
        """
        known = any(slot.messages == tuple(messages) for slot in self._slots)
        if known and messages[-1].role is Role.SYSTEM:
            return next((slot for slot in self._slots if slot.request is None and not slot.messages), None)
        return None if known or self._at_work_on(messages) else self.idle_for(messages)

    def _at_work_on(self, messages: Sequence[Message]) -> bool:
        at_work = (slot for slot in self._slots if slot.request is not None and len(slot.messages) > 1)
        return any(slot.is_of(messages) or slot.begins(messages) for slot in at_work)

    def begin(self, slot: Slot, messages: Sequence[Message], request: int, *, reads_ahead: bool) -> None:
        """Note that ``slot`` works on ``messages`` for ``request`` from now on."""
        self._uses += 1
        slot.messages, slot.request, slot.reads_ahead, slot.used = tuple(messages), request, reads_ahead, self._uses

    def end(self, request: int) -> bool:
        """Note that ``request`` needs its slot no longer; false when that was known already."""
        slot = next((slot for slot in self._slots if slot.request == request), None)
        if slot is not None:
            slot.request = None
        return slot is not None


def _begins_alike(said: Message, more: Message) -> bool:
    """Whether one is what somebody has said so far, as it was understood then, and the other what they said in the end."""
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(said.text, more.text, strict=False)))
    return said.speaker == more.speaker and 2 * common > len(said.text)


def _regret(slot: Slot, messages: Sequence[Message]) -> tuple[int, int]:
    if slot.is_of(messages):
        return 0, -slot.common(messages)
    if not slot.messages:
        return 2, 0
    return (1, slot.lost(messages)) if slot.common(messages) and slot.lost(messages) <= 1 else (3, 0)
