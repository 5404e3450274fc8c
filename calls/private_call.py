"""What is known of one private call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Who phones whom."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Stage(StrEnum):
    """How far a private call has come."""

    RINGING = "ringing"
    """Somebody phones Parley, and nobody has answered yet."""
    CALLING = "calling"
    """Parley phones somebody who has not answered yet."""
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class PrivateCall:
    """A private call that has not ended; ``since`` (seconds since the epoch) is when it came to its stage.

    ``emojis`` are what both ends see if nobody sits between them, once it is connected.
    """

    user_id: int
    name: str
    direction: Direction
    stage: Stage
    since: float
    emojis: str = ""
