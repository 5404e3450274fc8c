"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.schedule import DAY_NAMES, Once, Weekly
from calls.when import LONGEST_AHEAD, WrongTime, read_when

MADRID = ZoneInfo("Europe/Madrid")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=MADRID)
"""A Saturday."""

ONCE = {
    "tomorrow 9:00": "2026-11-22 09:00",
    "tomorrow at 9": "2026-11-22 09:00",
    "9:30 pm tomorrow": "2026-11-22 21:30",
    "day after tomorrow 9:00": "2026-11-23 09:00",
    "today 18:00": "2026-11-21 18:00",
    "18:00": "2026-11-21 18:00",
    "11:00": "2026-11-22 11:00",
    "at 9": "2026-11-22 09:00",
    "12am": "2026-11-22 00:00",
    "monday 9:00": "2026-11-23 09:00",
    "on saturday at 11:59": "2026-11-28 11:59",
    "2026-12-24 18:00": "2026-12-24 18:00",
    "2026-12-24T18:00": "2026-12-24 18:00",
    "2026-12-24T18:00Z": "2026-12-24 19:00",
    "24.12.2026 18:00": "2026-12-24 18:00",
    "in 20 minutes": "2026-11-21 12:20",
    "in 20min": "2026-11-21 12:20",
    "in an hour": "2026-11-21 13:00",
    "in 2 days": "2026-11-23 12:00",
    "demà a les 9": "2026-11-22 09:00",
    "demà passat 9:00": "2026-11-23 09:00",
    "d'aquí a 20 minuts": "2026-11-21 12:20",
    "dilluns 9:00": "2026-11-23 09:00",
    "mañana a las 9:30": "2026-11-22 09:30",
    "pasado mañana 9:00": "2026-11-23 09:00",
    "dentro de 1 hora": "2026-11-21 13:00",
    "el miércoles 10:00": "2026-11-25 10:00",
    "завтра в 9:00": "2026-11-22 09:00",
    "через 20 минут": "2026-11-21 12:20",
    "в понедельник в 9:00": "2026-11-23 09:00",
}
WEEKLY = {
    "mon,wed,fri 09:00": ("mon wed fri", "09:00"),
    "mon, wed and fri at 7pm": ("mon wed fri", "19:00"),
    "09:00 mon,wed,fri": ("mon wed fri", "09:00"),
    "every day 8:30": ("mon tue wed thu fri sat sun", "08:30"),
    "daily 8:30": ("mon tue wed thu fri sat sun", "08:30"),
    "every monday at 9am": ("mon", "09:00"),
    "mondays 9:00": ("mon", "09:00"),
    "weekdays 7:15": ("mon tue wed thu fri", "07:15"),
    "every weekend 10:00": ("sat sun", "10:00"),
    "cada dia a les 8:30": ("mon tue wed thu fri sat sun", "08:30"),
    "dilluns i dimecres a les 10:00": ("mon wed", "10:00"),
    "els dilluns 9:00": ("mon", "09:00"),
    "todos los días 8:30": ("mon tue wed thu fri sat sun", "08:30"),
    "los lunes a las 9": ("mon", "09:00"),
    "lunes y martes 10:00": ("mon tue", "10:00"),
    "каждый день 8:30": ("mon tue wed thu fri sat sun", "08:30"),
    "по понедельникам в 9": ("mon", "09:00"),
    "пн,ср,пт 09:00": ("mon wed fri", "09:00"),
}
NEVER = {
    "": "no_time", "hello": "no_time", "9": "no_time", "in 20": "no_time", "in 5 years": "no_time", "tomorrow": "no_time",
    "2026-02-30 9:00": "no_time", "tomorrow 25:00": "no_time", "tomorrow 9:60": "no_time", "13pm tomorrow": "no_time",
    "yesterday 9:00": "no_time", "2025-01-01 9:00": "past", "today 9:00": "past", "in 0 minutes": "past",
    "2028-01-01 9:00": "too_far", "in 99999 weeks": "too_far",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ONCE.items())
def test_one_time(text: str, expected: str) -> None:
    when = read_when(f"{text} Good morning, Ann!", NOW, MADRID)
    assert isinstance(when.rule, Once)
    assert f"{when.rule.at.astimezone(MADRID):%Y-%m-%d %H:%M}" == expected
    assert when.rest == "Good morning, Ann!"


@pytest.mark.parametrize(("text", "expected"), WEEKLY.items())
def test_every_week(text: str, expected: tuple[str, str]) -> None:
    when = read_when(f"{text} phone +34600111222", NOW, MADRID)
    assert isinstance(when.rule, Weekly)
    assert " ".join(DAY_NAMES[day] for day in sorted(when.rule.days)) == expected[0]
    assert (f"{when.rule.time:%H:%M}", when.rule.zone, when.rest) == (expected[1], MADRID, "phone +34600111222")


@pytest.mark.parametrize(("text", "why"), NEVER.items())
def test_what_is_no_time_is_answered_with_an_example(text: str, why: str) -> None:
    with pytest.raises(WrongTime) as wrong:
        read_when(text, NOW, MADRID)
    assert wrong.value.key == f"appointment.{why}"
    assert wrong.value.next_step


def test_days_are_those_of_the_calendar() -> None:
    before_clocks_are_set_back = datetime(2026, 10, 24, 12, 0, tzinfo=MADRID)
    when = read_when("in 1 day", before_clocks_are_set_back, MADRID)
    assert when.rule == Once(datetime(2026, 10, 25, 11, 0, tzinfo=UTC))


WORDS = st.sampled_from(
    ["tomorrow", "at", "9", "9:00", "24:00", "in", "20", "an", "minutes", "days", "weeks", "every", "mon", "mon,wed", ",", "31.02.2026",
     "2026-13-01", "0", "pm", "завтра", "a", "las", "-", "|"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=6).map(" ".join)), st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)))
def test_nothing_else_is_ever_raised_and_times_are_to_come(text: str, now: datetime) -> None:
    now = now.replace(tzinfo=UTC)
    try:
        when = read_when(text, now, MADRID)
    except WrongTime:
        return
    if isinstance(when.rule, Once):
        assert now < when.rule.at <= now + LONGEST_AHEAD
    assert when.rest == "" or text.split()[-1] == when.rest.split()[-1]


@given(st.datetimes(datetime(2026, 11, 22), datetime(2027, 11, 1)))
def test_dates_are_read_as_they_are_written(at: datetime) -> None:
    when = read_when(f"{at:%Y-%m-%d %H:%M}", NOW, ZoneInfo("UTC"))
    assert when.rule == Once(at.replace(second=0, microsecond=0, tzinfo=UTC))
    assert when.rule.at - NOW < timedelta(days=400)
