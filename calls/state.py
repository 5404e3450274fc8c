"""What is publicly known of a chat's call: the row behind ``/callinfo`` and the API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PublicState(StrEnum):
    """The public word for where a chat's call stands."""

    IDLE = "idle"
    JOINED = "joined"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class CallState:
    """The first seven are the keys of the public dictionary (A53). Times are seconds since the epoch, ``None`` before they happened."""

    state: PublicState = PublicState.IDLE
    participants: tuple[str, ...] = ()
    transcript: tuple[str, ...] = ()
    """The newest 20 lines, ``speaker: words``."""
    last_response_time: float | None = None
    error_count: int = 0
    join_time: float | None = None
    auto_joined: bool = False
    phase: str = "listening"
    latency_p50_ms: float | None = None
    """Last speech sample heard to first sample of the reply; ``None`` before the first answered turn."""
    latency_p95_ms: float | None = None
    muted_by_admin: bool = False
