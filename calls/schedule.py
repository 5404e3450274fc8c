"""When appointments fall due, and what is done then. Pure: time, zones and quiet hours are arguments.

An appointment has at most one occurrence on each local date. A time of day that a date skips (clocks set forward) is what the clock shows
instead: 02:30 becomes 03:30; one that comes twice (clocks set back) counts the first time. A date that a zone skips altogether has none.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from calls.autojoin import QuietHours
from storage.appointments import Appointment, Method, Run, RunState

DAY_NAMES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONCE: Final = "once"
"""The name of the only occurrence of an appointment for one time."""
LOOK_AHEAD_DAYS: Final = 400
LOOK_BACK_DAYS: Final = 8
LONGEST_RING_S: Final = 120.0
SLACK: Final = timedelta(seconds=60)
"""So much later than it may be somebody is called all the same: timers are not exact."""
MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
LATE_S: Final = {
    (Method.GROUP, True): 30 * MINUTE_S,
    (Method.GROUP, False): 10 * MINUTE_S,
    (Method.PRIVATE, True): 30 * MINUTE_S,
    (Method.PRIVATE, False): 10 * MINUTE_S,
    (Method.PHONE, True): 30 * MINUTE_S,
    (Method.PHONE, False): 10 * MINUTE_S,
    (Method.BROWSER, True): 12 * HOUR_S,
    (Method.BROWSER, False): 3 * HOUR_S,
}
"""By method, and whether for one time: how late an occurrence may be made up for that was missed or fell into quiet hours. Shorter than a
day, so that no two occurrences of one appointment wait at once. A link disturbs nobody, so it may come late; a call that comes every day is
better left out than late."""


@dataclass(frozen=True, slots=True)
class Once:
    """At one time, which knows its zone."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Weekly:
    """On days of the week (0 is Monday) at a time of the clock on the wall in ``zone``."""

    days: frozenset[int]
    time: time
    zone: ZoneInfo


Rule = Once | Weekly


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time an appointment falls due. ``name`` is the local date, or :data:`ONCE`: the same whatever the clocks do."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """After a call that failed, so many more are tried, so long after each other. ``longest_s`` is that of calls that name none."""

    retries: int = 3
    retry_delay_s: float = 60.0
    longest_s: float = 300.0


class Act(StrEnum):
    """What is done with an occurrence that is due."""

    RING = "ring"
    WAIT = "wait"
    """Until quiet hours end."""
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``until`` when waiting, ``state`` when left out: why."""

    act: Act
    until: datetime | None = None
    state: RunState = RunState.MISSED


# ---- when


def rule_of(appointment: Appointment) -> Rule:
    """The rule of an appointment that is kept."""
    if appointment.once_at is not None:
        return Once(datetime.fromtimestamp(appointment.once_at, UTC))
    days = frozenset(DAY_NAMES.index(name) for name in appointment.days.split(","))
    return Weekly(days, time.fromisoformat(appointment.time_of_day), ZoneInfo(appointment.time_zone))


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the clock on the wall shows a time on a date, in UTC; see above for times that it skips or shows twice."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


def exists(day: date, zone: ZoneInfo) -> bool:
    """Whether a zone has a date at all (Samoa had no 30th of December 2011)."""
    return instant(day, time(12), zone).astimezone(zone).date() == day


def next_occurrence(rule: Rule, after: datetime, handled: Container[str] = ()) -> Occurrence | None:
    """The first occurrence later than ``after`` whose name is not ``handled``."""
    for occurrence in _occurrences(rule, after, LOOK_AHEAD_DAYS):
        if occurrence.at > after and occurrence.name not in handled:
            return occurrence
    return None


def passed_by(rule: Rule, since: datetime, until: datetime, handled: Container[str]) -> Occurrence | None:
    """The last occurrence later than ``since`` and not later than ``until``, some days back at most, unless its name is ``handled``."""
    begin = since if isinstance(rule, Once) else max(since, until - timedelta(days=LOOK_BACK_DAYS))
    found = [each for each in _occurrences(rule, begin, LOOK_BACK_DAYS + 1) if begin < each.at <= until]
    return found[-1] if found and found[-1].name not in handled else None


def _occurrences(rule: Rule, around: datetime, days: int) -> Iterator[Occurrence]:
    """Those from the local date of ``around`` on, for so many days."""
    if isinstance(rule, Once):
        yield Occurrence(ONCE, rule.at)
        return
    first = around.astimezone(rule.zone).date()
    for day in (first + timedelta(days=number) for number in range(-1, days + 1)):
        if day.weekday() in rule.days and exists(day, rule.zone):
            yield Occurrence(day.isoformat(), instant(day, rule.time, rule.zone))


def late_s(appointment: Appointment, limits: Limits, attempts: int = 0) -> float:
    """How long after its time an occurrence may still be called, given how often it was tried."""
    return LATE_S[appointment.method, appointment.once_at is not None] + attempts * (limits.retry_delay_s + LONGEST_RING_S)


# ---- what is done


def decide(due: datetime, now: datetime, late: timedelta, quiet: QuietHours | None) -> Verdict:
    """What is done at ``now`` with an occurrence that was due; quiet hours hold whatever the appointment says."""
    if now - due > late + SLACK:
        return Verdict(Act.LEAVE_OUT, state=RunState.MISSED)
    if quiet is None or not quiet.hold_at(now):
        return Verdict(Act.RING)
    end = quiet_until(quiet, now)
    return Verdict(Act.WAIT, until=end) if end - due <= late else Verdict(Act.LEAVE_OUT, state=RunState.QUIET)


def quiet_until(quiet: QuietHours, now: datetime) -> datetime:
    """When quiet hours that hold at ``now`` end."""
    today = now.astimezone(quiet.zone).date()
    for day in (today + timedelta(days=number) for number in range(3)):
        for fold in (0, 1):
            end = datetime.combine(day, quiet.end.replace(fold=fold), quiet.zone).astimezone(UTC)
            if end > now and not quiet.hold_at(end):
                return end
    return now + timedelta(days=1)


def after_failure(run: Run, now: float, limits: Limits, *, for_good: bool) -> Run:
    """How an occurrence goes on whose call failed; ``for_good``: another attempt would fail as well."""
    if for_good or run.attempts > limits.retries:
        return Run(run.appointment_id, run.occurrence, run.due_at, RunState.FAILED, run.attempts, None, now)
    return Run(run.appointment_id, run.occurrence, run.due_at, RunState.WAITING, run.attempts, now + limits.retry_delay_s, now)
