"""Who is in a voice chat: each person, their sound source, and whether we ourselves may speak. Fed with what Telegram says; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from telethon.utils import get_peer_id

from calls.lines.line import MutedByAdmin, Participant, ParticipantJoined, ParticipantLeft, UnmutedByAdmin

UINT32: Final = 0xFFFFFFFF
UNNAMED: Final = "Somebody"


class Own(Enum):
    """What happened to our own place in the voice chat."""

    LEFT = auto()
    """Telegram has taken us out."""
    TAKEN_OVER = auto()
    """Our account joined from another device, which ends our connection."""


Change = ParticipantJoined | ParticipantLeft | MutedByAdmin | UnmutedByAdmin | Own


def unsigned(source: int) -> int:
    """A source as frames carry it; Telegram's schema has it signed."""
    return source & UINT32


def signed(ssrc: int) -> int:
    """An SSRC as Telegram's schema wants it."""
    return (ssrc + 2**31) % 2**32 - 2**31


@dataclass(slots=True)
class Roster:
    """The participants of one voice chat apart from ourselves. ``own_id`` and ``own_ssrc`` are ours; ``version`` is the list's."""

    own_id: int
    own_ssrc: int
    version: int = 0
    muted_by_admin: bool = False
    muted_by_itself: bool = False
    """We are muted though we may speak."""
    _by_id: dict[int, Participant] = field(default_factory=dict)
    _by_ssrc: dict[int, Participant] = field(default_factory=dict)

    def by_ssrc(self, ssrc: int) -> Participant | None:
        """Who speaks with this source."""
        return self._by_ssrc.get(ssrc)

    @property
    def participants(self) -> list[Participant]:
        """Everybody but ourselves."""
        return list(self._by_id.values())

    def misses(self, rows: Iterable[Any], version: int) -> bool:
        """An update of ``version`` with these rows shows that an earlier one was lost: the list must be read again."""
        return any(row.versioned or row.left or row.just_joined for row in rows) and version > self.version + 1

    def apply(self, rows: Iterable[Any], names: Mapping[int, str], version: int) -> list[Change]:
        """Take in ``groupCallParticipant`` rows of an update and say what they change. Old news is ignored."""
        changes: list[Change] = []
        for row in rows:
            counted = row.versioned or row.left or row.just_joined
            if counted and version < self.version:
                continue
            changes += self._own(row) if get_peer_id(row.peer) == self.own_id else self._other(row, names)
        self.version = max(self.version, version)
        return changes

    def replace(self, rows: Iterable[Any], names: Mapping[int, str], version: int) -> list[Change]:
        """Take in the complete list."""
        listed = list(rows)
        present = {get_peer_id(row.peer) for row in listed}
        gone = [participant for participant in self.participants if participant.id not in present]
        self.version = min(self.version, version)
        return [self._forget(participant) for participant in gone] + self.apply(listed, names, version)

    def _own(self, row: Any) -> list[Change]:
        source = unsigned(row.source)
        if row.left:
            return [Own.LEFT] if source == self.own_ssrc else []
        if source != self.own_ssrc:
            return [Own.TAKEN_OVER]
        self.muted_by_itself = bool(row.muted and row.can_self_unmute)
        was, self.muted_by_admin = self.muted_by_admin, bool(row.muted and not row.can_self_unmute)
        if was == self.muted_by_admin:
            return []
        return [MutedByAdmin() if self.muted_by_admin else UnmutedByAdmin()]

    def _other(self, row: Any, names: Mapping[int, str]) -> list[Change]:
        peer_id = get_peer_id(row.peer)
        known = self._by_id.get(peer_id)
        if row.left:
            return [self._forget(known)] if known else []
        name = names.get(peer_id) or (known.name if known else UNNAMED)
        participant = Participant(peer_id, name, unsigned(row.source))
        if known and known.ssrc is not None:
            self._by_ssrc.pop(known.ssrc, None)
        self._by_id[peer_id] = self._by_ssrc[unsigned(row.source)] = participant
        return [] if known else [ParticipantJoined(participant)]

    def _forget(self, participant: Participant) -> ParticipantLeft:
        del self._by_id[participant.id]
        if participant.ssrc is not None:
            self._by_ssrc.pop(participant.ssrc, None)
        return ParticipantLeft(participant)
