"""Ways of being in a call."""

from __future__ import annotations

from calls.lines.line import (
    AttendanceKnown,
    HearingSink,
    Line,
    LineClosed,
    LineDropped,
    LineEvent,
    LineHungUp,
    LineLost,
    LineRemoved,
    MutedByAdmin,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    UnmutedByAdmin,
)

__all__ = [
    "AttendanceKnown",
    "HearingSink",
    "Line",
    "LineClosed",
    "LineDropped",
    "LineEvent",
    "LineHungUp",
    "LineLost",
    "LineRemoved",
    "MutedByAdmin",
    "Participant",
    "ParticipantJoined",
    "ParticipantLeft",
    "UnmutedByAdmin",
]
