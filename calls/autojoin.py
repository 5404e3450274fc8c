"""Whether a chat's voice chat is joined without anybody asking, and why not. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from calls.admission import OVERLOADED
from calls.errors import CallError

ERROR_REST_S: Final = 600.0
"""After something went wrong in a chat, nothing is joined there unasked for so long."""


class Why(StrEnum):
    """The reason of a verdict; ``auto_join.why.<value>`` says it in the catalogues, with the verdict's fields."""

    JOINS = "joins"
    OFF = "off"
    DISABLED = "disabled"
    """Fields: what."""
    STOPPED = "stopped"
    """The account may join nothing any more."""
    ALREADY_IN = "already_in"
    ON_THE_WAY = "on_the_way"
    """The call is wanted already, and being joined or tried again."""
    UNKNOWN = "unknown"
    """Telegram has not told yet whether there is a voice chat."""
    NO_VOICE_CHAT = "no_voice_chat"
    SCHEDULED = "scheduled"
    """Fields: when."""
    LIVESTREAM = "livestream"
    LEFT_BY_HAND = "left_by_hand"
    ELSEWHERE = "elsewhere"
    """The account is in the voice chat with another device."""
    QUIET = "quiet"
    """Fields: begin, end, zone."""
    RECENT_ERROR = "recent_error"
    """Fields: minutes."""
    TOO_FEW = "too_few"
    """Fields: people, needed."""
    TOO_MANY_JOINS = "too_many_joins"
    """Fields: minutes."""
    FULL = "full"
    OVERLOADED = "overloaded"


class Running(StrEnum):
    """What there is to join in a chat."""

    UNKNOWN = "unknown"
    NOTHING = "nothing"
    VOICE_CHAT = "voice_chat"
    SCHEDULED = "scheduled"
    LIVESTREAM = "livestream"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a chat's voice chat. ``people`` are all that Telegram counts, ``own_inside``: our account is among them."""

    running: Running = Running.UNKNOWN
    voice_chat_id: int | None = None
    people: int = 0
    own_inside: bool = False
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begin`` until before ``end`` on the clock on the wall in ``zone``, over midnight where ``end`` is earlier.

    When clocks are set back, an hour that comes twice is quiet twice; when they are set forward, a skipped one never is.
    """

    begin: time
    end: time
    zone: ZoneInfo

    def hold_at(self, now: datetime) -> bool:
        """Whether it is quiet at ``now``, which knows its time zone."""
        local = now.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end


def quiet_hours(begin: str, end: str, zone: str) -> QuietHours | None:
    """The quiet hours of two times ``HH:MM`` and the name of a time zone; ``None`` where there are none."""
    if not begin or not end:
        return None
    return QuietHours(time.fromisoformat(begin), time.fromisoformat(end), ZoneInfo(zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a verdict depends on. ``last_error_at`` is in seconds since the epoch, ``join_wait_s`` what the gates want to be waited."""

    enabled: bool
    least_people: int = 2
    quiet: QuietHours | None = None
    disabled_reason: str = ""
    seen: Seen = Seen()
    in_call: bool = False
    on_the_way: bool = False
    left_by_hand: bool = False
    last_error_at: float | None = None
    join_wait_s: float = 0.0
    stopped: CallError | None = None
    full: CallError | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done now, and why (not)."""

    why: Why
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def joins(self) -> bool:
        """The voice chat is joined now."""
        return self.why is Why.JOINS


def decide(situation: Situation, now: datetime) -> Verdict:
    """Whether to join; of several reasons against it, the one that lasts longest or that a person can do something about."""
    for reason in (_of_the_chat, _of_the_call, _of_the_voice_chat, _of_the_moment):
        if (verdict := reason(situation, now)) is not None:
            return verdict
    return Verdict(Why.JOINS, {"people": situation.seen.people})


def _of_the_chat(situation: Situation, _now: datetime) -> Verdict | None:
    if not situation.enabled:
        return Verdict(Why.OFF)
    if situation.disabled_reason:
        return Verdict(Why.DISABLED, {"what": situation.disabled_reason})
    if situation.stopped:
        return Verdict(Why.STOPPED)
    return None


def _of_the_call(situation: Situation, _now: datetime) -> Verdict | None:
    if situation.in_call:
        return Verdict(Why.ALREADY_IN)
    return Verdict(Why.ON_THE_WAY) if situation.on_the_way else None


def _of_the_voice_chat(situation: Situation, _now: datetime) -> Verdict | None:
    seen = situation.seen
    match seen.running:
        case Running.UNKNOWN:
            return Verdict(Why.UNKNOWN)
        case Running.NOTHING:
            return Verdict(Why.NO_VOICE_CHAT)
        case Running.SCHEDULED:
            return Verdict(Why.SCHEDULED, {"when": f"{seen.starts_at:%Y-%m-%d %H:%M} UTC" if seen.starts_at else "?"})
        case Running.LIVESTREAM:
            return Verdict(Why.LIVESTREAM)
        case Running.VOICE_CHAT if situation.left_by_hand:
            return Verdict(Why.LEFT_BY_HAND)
        case Running.VOICE_CHAT if seen.own_inside:
            return Verdict(Why.ELSEWHERE)
        case Running.VOICE_CHAT:
            return None


def _of_the_moment(situation: Situation, now: datetime) -> Verdict | None:
    if (quiet := situation.quiet) and quiet.hold_at(now):
        return Verdict(Why.QUIET, {"begin": f"{quiet.begin:%H:%M}", "end": f"{quiet.end:%H:%M}", "zone": quiet.zone.key})
    if (rest_s := _rest_s(situation.last_error_at, now.timestamp())) > 0:
        return Verdict(Why.RECENT_ERROR, {"minutes": math.ceil(rest_s / 60)})
    if situation.seen.people < situation.least_people:
        return Verdict(Why.TOO_FEW, {"people": situation.seen.people, "needed": situation.least_people})
    if situation.join_wait_s > 0:
        return Verdict(Why.TOO_MANY_JOINS, {"minutes": math.ceil(situation.join_wait_s / 60)})
    if situation.full:
        return Verdict(Why.OVERLOADED if situation.full.key == OVERLOADED else Why.FULL)
    return None


def _rest_s(last_error_at: float | None, now_s: float) -> float:
    """How much longer nothing is joined because of an error; one in the future (the clock was set) counts as one of now."""
    if last_error_at is None:
        return 0.0
    return min(ERROR_REST_S, last_error_at + ERROR_REST_S - now_s)
