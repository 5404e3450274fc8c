"""What is known of one telephone call."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from calls.errors import CallError
from calls.guest_calls import GuestCall
from calls.private_call import Direction
from calls.telephony import numbers


class Stage(StrEnum):
    """How far a telephone call has come, in the words of carriers."""

    QUEUED = "queued"
    """The carrier was asked to place it."""
    RINGING = "ringing"
    ANSWERED = "answered"
    """Somebody has answered; what is said is heard in a moment."""
    TALKING = "talking"
    COMPLETED = "completed"
    """It was answered, and is over."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"
    """It was broken off before anybody answered."""


OVER = frozenset({Stage.COMPLETED, Stage.BUSY, Stage.NO_ANSWER, Stage.FAILED, Stage.CANCELED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneWishes:
    """How a call is to be conducted. ``opening`` follows the notice that an AI speaks; ``purpose`` is added to what the brain is told.

    ``chat_id`` is the chat whose persona, language and voice are used; ``longest_s`` can only shorten what the settings allow.
    """

    opening: str | None = None
    purpose: str = ""
    chat_id: int | None = None
    language: str | None = None
    longest_s: float | None = None


@dataclass(slots=True, eq=False)
class PhoneCall:
    """``since`` is when it came to its stage and ``answered_at`` when it was answered, in seconds since the epoch.

    ``error`` says why nobody could be talked with, ``digits`` are the keys that were pressed, ``guest`` is the conversation.
    """

    call_id: str
    number: str
    direction: Direction
    since: float
    wishes: PhoneWishes = field(default_factory=PhoneWishes)
    stage: Stage = Stage.QUEUED
    answered_at: float | None = None
    error: CallError | None = None
    digits: str = ""
    guest: GuestCall | None = None

    @property
    def shown(self) -> str:
        """The number, as much of it as lists and logs show."""
        return numbers.shown(self.number)

    @property
    def over(self) -> bool:
        """It has ended, or never came about."""
        return self.stage in OVER
