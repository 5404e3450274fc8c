"""When a voice chat is joined unasked, and the reason when it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import errors
from calls.admission import Admission
from calls.autojoin import QuietHours, Running, Seen, Situation, Why, decide, quiet_hours
from handlers.wording import LANGUAGES, catalogue, placeholders, say

MADRID = ZoneInfo("Europe/Madrid")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SET_BACK = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
"""At this moment it is 02:00 in Madrid for the second time that night."""
SET_FORWARD = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
"""At this moment the clocks of Madrid go from 02:00 to 03:00."""
RIGHT = Situation(enabled=True, least_people=2, seen=Seen(Running.VOICE_CHAT, 77, 2))

minutes_of_a_day = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
nights_of_change = st.sampled_from([SET_BACK, SET_FORWARD]).flatmap(
    lambda change: st.integers(-26 * 60, 26 * 60).map(lambda minutes: change + timedelta(minutes=minutes))
)


def test_a32_joins_when_everything_is_right() -> None:
    verdict = decide(RIGHT, NOON)
    assert verdict.joins
    assert verdict.fields == {"people": 2}


WRONG = {
    Why.OFF: replace(RIGHT, enabled=False),
    Why.DISABLED: replace(RIGHT, disabled_reason="No access."),
    Why.STOPPED: replace(RIGHT, stopped=errors.of(errors.DEAD_SESSION)),
    Why.ALREADY_IN: replace(RIGHT, in_call=True, on_the_way=True),
    Why.ON_THE_WAY: replace(RIGHT, on_the_way=True),
    Why.UNKNOWN: replace(RIGHT, seen=Seen()),
    Why.NO_VOICE_CHAT: replace(RIGHT, seen=Seen(Running.NOTHING)),
    Why.SCHEDULED: replace(RIGHT, seen=Seen(Running.SCHEDULED, 77, starts_at=NOON)),
    Why.LIVESTREAM: replace(RIGHT, seen=Seen(Running.LIVESTREAM, 77, 9)),
    Why.LEFT_BY_HAND: replace(RIGHT, left_by_hand=True),
    Why.ELSEWHERE: replace(RIGHT, seen=Seen(Running.VOICE_CHAT, 77, 3, own_inside=True)),
    Why.QUIET: replace(RIGHT, quiet=quiet_hours("12:00", "13:00", "UTC")),
    Why.RECENT_ERROR: replace(RIGHT, last_error_at=NOON.timestamp() - 599),
    Why.TOO_FEW: replace(RIGHT, least_people=3),
    Why.TOO_MANY_JOINS: replace(RIGHT, join_wait_s=61.0),
    Why.FULL: replace(RIGHT, full=Admission(1).refusal(1)),
    Why.OVERLOADED: replace(RIGHT, full=Admission(9, lambda: 0.5).refusal(1)),
}


@pytest.mark.parametrize("why", [why for why in Why if why is not Why.JOINS])
def test_a32_each_condition_that_is_not_met_is_the_reason(why: Why) -> None:
    verdict = decide(WRONG[why], NOON)
    assert verdict.why is why
    assert not verdict.joins


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", Why)
def test_every_reason_can_be_told(why: Why, language: str) -> None:
    verdict = decide(WRONG.get(why, RIGHT), NOON)
    key = f"auto_join.why.{why}"
    assert key in catalogue(language)
    assert placeholders(catalogue(language)[key]) <= set(verdict.fields)
    told = say(language, key, **verdict.fields)
    assert all(str(value) in told for value in verdict.fields.values())


def test_there_is_a_text_for_each_reason_and_no_other() -> None:
    told = {key.removeprefix("auto_join.why.") for key in catalogue("en") if key.startswith("auto_join.why.")}
    assert told == {why.value for why in Why}


def test_the_fields_say_what_is_lacking() -> None:
    assert decide(WRONG[Why.TOO_FEW], NOON).fields == {"people": 2, "needed": 3}
    assert decide(WRONG[Why.RECENT_ERROR], NOON).fields == {"minutes": 1}
    assert decide(WRONG[Why.TOO_MANY_JOINS], NOON).fields == {"minutes": 2}
    assert decide(WRONG[Why.QUIET], NOON).fields == {"begin": "12:00", "end": "13:00", "zone": "UTC"}
    assert decide(WRONG[Why.SCHEDULED], NOON).fields == {"when": "2026-11-21 12:00 UTC"}


@given(st.floats(-3600, 36000))
def test_k28_an_error_counts_for_ten_minutes_and_a_clock_that_was_set_back_makes_that_no_longer(seconds_ago: float) -> None:
    verdict = decide(replace(RIGHT, last_error_at=NOON.timestamp() - seconds_ago), NOON)
    assert verdict.joins == (seconds_ago >= 600)
    if not verdict.joins:
        assert verdict.fields["minutes"] in range(1, 11)


# ---- quiet hours


@given(minutes_of_a_day, minutes_of_a_day, st.one_of(moments, nights_of_change))
def test_a29_quiet_is_what_the_clock_on_the_wall_says(begin: time, end: time, now: datetime) -> None:
    """Also in the nights in which clocks are changed: nothing but the local time matters."""
    local = now.astimezone(MADRID).replace(tzinfo=None).time()
    minute = local.hour * 60 + local.minute
    first, last = begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
    within = (minute - first) % 1440 < (last - first) % 1440
    assert QuietHours(begin, end, MADRID).hold_at(now) == within


@given(minutes_of_a_day, minutes_of_a_day, st.one_of(moments, nights_of_change))
def test_a29_either_it_is_quiet_or_it_is_not(begin: time, end: time, now: datetime) -> None:
    if begin != end:
        assert QuietHours(begin, end, MADRID).hold_at(now) != QuietHours(end, begin, MADRID).hold_at(now)


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(0, 23), st.integers(0, 59))
def test_a29_the_quiet_hours_of_the_document_go_over_midnight(day: date, hour: int, minute: int) -> None:
    now = datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID)
    if now.astimezone(UTC).astimezone(MADRID).hour == hour:
        hours = quiet_hours("22:00", "08:00", "Europe/Madrid")
        assert hours is not None
        assert hours.hold_at(now) == (hour >= 22 or hour < 8)


@pytest.mark.parametrize(
    ("begin", "end", "change", "quiet_minutes"),
    [
        ("22:00", "08:00", SET_BACK, 11 * 60),
        ("22:00", "08:00", SET_FORWARD, 9 * 60),
        ("02:00", "03:00", SET_BACK, 2 * 60),
        ("02:00", "03:00", SET_FORWARD, 0),
        ("02:30", "08:00", SET_FORWARD, 5 * 60),
        ("22:00", "02:30", SET_BACK, 4 * 60 + 30 + 30),
    ],
)
def test_a29_how_long_a_night_of_changed_clocks_is_quiet(begin: str, end: str, change: datetime, quiet_minutes: int) -> None:
    hours = quiet_hours(begin, end, "Europe/Madrid")
    assert hours is not None
    noon_before = change.astimezone(MADRID).replace(hour=12, minute=0) - timedelta(days=1)
    minutes = (noon_before.astimezone(UTC) + timedelta(minutes=each) for each in range(24 * 60))
    assert sum(hours.hold_at(minute) for minute in minutes) == quiet_minutes


def test_the_same_moment_is_quiet_in_one_zone_and_not_in_another() -> None:
    for zone, quiet in (("Europe/Madrid", True), ("America/New_York", False), ("UTC", False)):
        hours = quiet_hours("22:30", "08:00", zone)
        assert hours is not None
        assert hours.hold_at(datetime(2026, 11, 21, 21, 45, tzinfo=UTC)) is quiet


def test_no_times_no_quiet_hours() -> None:
    assert quiet_hours("", "", "Europe/Madrid") is None
