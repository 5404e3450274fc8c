"""How a call came to its end: what the chat is told, and whether it may be joined again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from errors import ParleyError


class End(StrEnum):
    """Why Parley is no longer in a call."""

    SENT_AWAY = "sent_away"
    """Somebody asked it to leave, or the program stops."""
    CLOSED = "closed"
    """The voice chat was ended."""
    TAKEN_OVER = "taken_over"
    """The account joined from another device."""
    REMOVED = "removed"
    """The account was removed from the chat."""
    ALONE = "alone"
    """Nobody else was there for too long."""
    TOO_LONG = "too_long"
    """It lasted as long as one may."""
    HUNG_UP = "hung_up"
    """A private call is over: the other has hung up, or its connection broke."""
    FAILED = "failed"
    """It could not be joined, or not be kept; ``error`` says why."""


@dataclass(frozen=True, slots=True)
class Ending:
    """``reason`` is for the chat, in English (empty: nothing is said); ``key`` and ``fields`` name the same text in the catalogues."""

    end: End
    reason: str = ""
    key: str = ""
    fields: dict[str, object] = field(default_factory=dict)
    error: ParleyError | None = None


SENT_AWAY = Ending(End.SENT_AWAY)


def closed(reason: str) -> Ending:
    """The voice chat was ended."""
    return Ending(End.CLOSED, f"I am no longer in the call: {reason}.", "ended.closed")


def taken_over(reason: str) -> Ending:
    """Another device has taken Parley's place."""
    return Ending(End.TAKEN_OVER, f"I am no longer in the call: {reason}.", "ended.taken_over")


REMOVED = Ending(End.REMOVED, "Parley's account was removed from the chat.", "ended.removed")
TOO_LONG = Ending(End.TOO_LONG, "The call has lasted as long as one may. Send /joincall to go on.", "ended.too_long")

CALL_AGAIN = Ending(End.TOO_LONG, "Our call has lasted as long as one may. Call again if you like.", "phone.too_long")
"""The same for a call of two."""


def hung_up(reason: str = "", key: str = "") -> Ending:
    """A private call is over."""
    return Ending(End.HUNG_UP, reason, key)


def alone(seconds: float) -> Ending:
    """Nobody else was there for so long."""
    reason = f"Nobody else was in the voice chat for {seconds:g} seconds, so I have left it. Send /joincall to have me back."
    return Ending(End.ALONE, reason, "ended.alone", {"seconds": round(seconds)})


def failed(error: ParleyError) -> Ending:
    """It could not be joined, or not be kept."""
    return Ending(End.FAILED, str(error), error.key, dict(error.fields), error)
