"""What the outside may know of a call: one snapshot, the same for ``/callinfo`` and for programs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

TRANSCRIPT_LINES: Final = 20


class PublicState(StrEnum):
    """The public word for where a call stands."""

    IDLE = "idle"
    """Parley has not been in a call here, or is on its way into one."""
    JOINED = "joined"
    LEFT = "left"


class Phase(StrEnum):
    """What Parley does in a call just now."""

    CONNECTING = "connecting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    RECONNECTING = "reconnecting"


def _transcript() -> deque[str]:
    return deque(maxlen=TRANSCRIPT_LINES)


@dataclass(slots=True)
class CallState:
    """The state of the call of one chat. Times are seconds since the epoch; None: not yet.

    ``participants`` are names, ``transcript`` the last lines of the conversation, ``phase`` is None outside a call, and the latencies are
    from the last speech sample of a turn to the first sound of its reply.
    """

    state: PublicState = PublicState.IDLE
    participants: list[str] = field(default_factory=list)
    transcript: deque[str] = field(default_factory=_transcript)
    last_response_time: float | None = None
    error_count: int = 0
    join_time: float | None = None
    auto_joined: bool = False
    phase: Phase | None = None
    turns: int = 0
    muted_by_admin: bool = False
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None

    def when_over(self) -> CallState:
        """What is known when the call has ended: nobody is there, and what was said is no longer held here."""
        return replace(self, phase=None, participants=[], transcript=_transcript())

    def as_dict(self) -> dict[str, Any]:
        """The public keys and their values."""
        return {
            "state": self.state.value,
            "participants": list(self.participants),
            "transcript": deque(self.transcript, maxlen=TRANSCRIPT_LINES),
            "last_response_time": self.last_response_time,
            "error_count": self.error_count,
            "join_time": self.join_time,
            "auto_joined": self.auto_joined,
        }
