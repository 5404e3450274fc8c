"""When appointments fall due: zones, clocks that are set, dates that are not there; and what is done with them then."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.autojoin import quiet_hours
from calls.schedule import (
    Act,
    Limits,
    Once,
    Weekly,
    after_failure,
    decide,
    instant,
    late_s,
    next_occurrence,
    passed_by,
    quiet_until,
)
from storage.appointments import Appointment, Method, Run, RunState

MADRID = ZoneInfo("Europe/Madrid")
EVERY_DAY = frozenset(range(7))
ZONES = [ZoneInfo(name) for name in ("Europe/Madrid", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "UTC")]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2026, 10, 25), time(2, 30), MADRID, "2026-10-25 00:30"),  # comes twice: the first time
        (date(2027, 3, 28), time(2, 30), MADRID, "2027-03-28 01:30"),  # is skipped: the clock then shows 03:30
        (date(2027, 3, 28), time(9), MADRID, "2027-03-28 07:00"),
        (date(2026, 12, 24), time(18), MADRID, "2026-12-24 17:00"),
        (date(2026, 4, 24), time(0, 30), ZoneInfo("Africa/Cairo"), "2026-04-23 22:30"),  # the day begins at 01:00
        (date(2026, 4, 5), time(1, 45), ZoneInfo("Australia/Lord_Howe"), "2026-04-04 14:45"),  # half an hour is set back
    ],
)
def test_what_the_clock_on_the_wall_shows(day: date, at: time, zone: ZoneInfo, expected: str) -> None:
    assert instant(day, at, zone) == utc(expected)


def test_a_date_that_a_zone_skips_has_no_occurrence() -> None:
    rule = Weekly(EVERY_DAY, time(9), ZoneInfo("Pacific/Apia"))
    first = next_occurrence(rule, utc("2011-12-29 20:00"))
    assert first
    assert first.name == "2011-12-31"


@given(
    zone=st.sampled_from(ZONES),
    at=st.times().map(lambda each: each.replace(second=0, microsecond=0)),
    begin=st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)),
    days=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_every_local_date_has_one_occurrence_at_most(zone: ZoneInfo, at: time, begin: datetime, days: frozenset[int]) -> None:
    """A119."""
    rule, now = Weekly(days, at, zone), begin.replace(tzinfo=UTC)
    handled: set[str] = set()
    for _ in range(20):
        occurrence = next_occurrence(rule, now, handled)
        assert occurrence is not None
        assert occurrence.name not in handled
        assert occurrence.at > now
        assert date.fromisoformat(occurrence.name).weekday() in days
        assert occurrence.at - now < timedelta(days=9)
        handled.add(occurrence.name)
        now = occurrence.at


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)), st.sampled_from(ZONES), st.times(), st.times())
def test_quiet_hours_end(now: datetime, zone: ZoneInfo, begin: time, end: time) -> None:
    quiet = quiet_hours(f"{begin:%H:%M}", f"{end:%H:%M}", zone.key)
    at = now.replace(tzinfo=UTC)
    if quiet and quiet.begin != quiet.end and quiet.hold_at(at):
        until = quiet_until(quiet, at)
        assert at < until <= at + timedelta(hours=26)
        assert not quiet.hold_at(until)


def test_what_is_for_one_time_comes_once() -> None:
    rule = Once(utc("2026-12-24 17:00"))
    due = next_occurrence(rule, utc("2026-12-24 16:59"))
    assert due
    assert due.at == rule.at
    assert next_occurrence(rule, utc("2026-12-24 16:59"), {due.name}) is None
    assert next_occurrence(rule, rule.at) is None


def test_of_several_that_were_missed_the_last_is_told() -> None:
    rule = Weekly(EVERY_DAY, time(9), MADRID)
    passed = passed_by(rule, utc("2026-01-01 00:00"), utc("2026-11-21 12:00"), set())
    assert passed
    assert passed.name == "2026-11-21"
    assert passed_by(rule, utc("2026-01-01 00:00"), utc("2026-11-21 12:00"), {"2026-11-21"}) is None
    assert passed_by(rule, utc("2026-11-21 11:00"), utc("2026-11-21 12:00"), set()) is None


def test_quiet_hours_hold_at_the_time_of_the_call() -> None:
    night = quiet_hours("22:00", "08:00", "UTC")
    due = utc("2026-11-21 07:45")
    waits = decide(due, due, timedelta(minutes=30), night)
    assert (waits.act, waits.until) == (Act.WAIT, utc("2026-11-21 08:00"))
    assert decide(due, utc("2026-11-21 08:00"), timedelta(minutes=30), night).act is Act.RING
    left_out = decide(due, due, timedelta(minutes=10), night)
    assert (left_out.act, left_out.state) == (Act.LEAVE_OUT, RunState.QUIET)


def test_what_comes_too_late_is_missed_by_the_rule_of_its_kind() -> None:
    limits, once = Limits(), utc("2026-11-21 09:00").timestamp()
    call = Appointment(chat_id=1, method=Method.GROUP, once_at=once)
    daily = Appointment(chat_id=1, method=Method.GROUP, days="mon", time_of_day="09:00")
    link = Appointment(chat_id=1, method=Method.BROWSER, once_at=once)
    assert late_s(daily, limits) < late_s(call, limits) < late_s(link, limits) < 24 * 3600
    late = timedelta(seconds=late_s(call, limits))
    due = utc("2026-11-21 09:00")
    assert decide(due, due + late, late, None).act is Act.RING
    assert decide(due, due + late + timedelta(minutes=2), late, None).state is RunState.MISSED


def test_a_call_that_failed_is_tried_three_times_more_each_after_a_minute() -> None:
    """A122."""
    limits, states = Limits(), []
    for attempts in range(1, 6):
        run = after_failure(Run(1, "once", 0.0, RunState.RINGING, attempts), 100.0, limits, for_good=False)
        states.append((run.state, run.next_try_at))
    assert states == [(RunState.WAITING, 160.0)] * 3 + [(RunState.FAILED, None)] * 2
    assert after_failure(Run(1, "once", 0.0, RunState.RINGING, 1), 100.0, limits, for_good=True).state is RunState.FAILED
