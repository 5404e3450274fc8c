"""Times as people write them, in English, Catalan, Spanish and Russian: "tomorrow 9:00", "mon,wed,fri 09:00", "in 20 minutes". Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from calls.schedule import Once, Rule, Weekly, instant, next_occurrence
from errors import ParleyError

EXAMPLES: Final = "tomorrow 9:00 · mon,wed,fri 09:00 · every day 8:30 · in 20 minutes · 2026-12-24 18:00"
LONGEST_AHEAD: Final = timedelta(days=366)
EVERY_DAY: Final = frozenset(range(7))

Found = TypeVar("Found")
Words = Sequence[str]
Taken = tuple[Found, int]
"""What was read, and how many words it took."""


class WrongTime(ParleyError):
    """No time could be read, or it cannot be used; ``key`` is ``appointment.no_time``, ``appointment.past`` or ``appointment.too_far``."""


@dataclass(frozen=True, slots=True)
class When:
    """What was read, and the text behind it."""

    rule: Rule
    rest: str


_DAYS: Final[Mapping[int, str]] = {
    0: "mon monday mondays dl dilluns lun lunes пн понедельник понедельника понедельникам",
    1: "tue tues tuesday tuesdays dt dimarts mar martes вт вторник вторника вторникам",
    2: "wed wednesday wednesdays dc dimecres mie miercoles ср среда среду среды средам",
    3: "thu thur thurs thursday thursdays dj dijous jue jueves чт четверг четверга четвергам",
    4: "fri friday fridays dv divendres vie viernes пт пятница пятницу пятницы пятницам",
    5: "sat saturday saturdays ds dissabte dissabtes sab sabado sabados сб суббота субботу субботы субботам",
    6: "sun sunday sundays dg diumenge diumenges dom domingo domingos вс воскресенье воскресенья воскресеньям",
}
_IN_DAYS: Final[Mapping[str, int]] = {
    "today": 0, "avui": 0, "hoy": 0, "сегодня": 0,
    "tomorrow": 1, "dema": 1, "manana": 1, "завтра": 1,
    "day after tomorrow": 2, "dema passat": 2, "passat dema": 2, "despres-dema": 2, "pasado manana": 2, "послезавтра": 2,
}  # fmt: skip
_GROUPS: Final[Mapping[str, frozenset[int]]] = {
    **dict.fromkeys(
        ("daily", "every day", "everyday", "cada dia", "todos los dias", "diario", "diariament", "diariamente", "каждый день", "ежедневно"),
        EVERY_DAY,
    ),
    **dict.fromkeys(
        ("weekdays", "every weekday", "feiners", "dies feiners", "laborables", "dias laborables", "будни", "по будням", "в будни"),
        frozenset(range(5)),
    ),
    **dict.fromkeys(
        ("weekends", "every weekend", "caps de setmana", "fines de semana", "выходные", "по выходным", "в выходные"), frozenset({5, 6})
    ),
}
_EVERY: Final = frozenset({"every", "each", "cada", "todos", "todas", "els", "los", "каждый", "каждую", "каждое", "по"})
"""Catalan and Spanish put the article of several days before what comes every week."""
_PARTICLES: Final = frozenset(
    {"at", "on", "next", "the", "a", "el", "els", "la", "las", "les", "los", "de", "del", "и", "в", "во", "к", "and", "i", "y", "this"}
)  # fmt: skip
_IN: Final = ("in", "d'aqui a", "d'aqui", "daqui a", "dins de", "en", "dentro de", "через")
_ONE: Final = frozenset({"a", "an", "one", "un", "una", "один", "одну", "одно"})
_UNITS: Final[Mapping[str, str]] = {
    "minutes": "m min mins minute minutes minut minuts minuto minutos мин минута минуту минуты минут",
    "hours": "h hr hrs hour hours hora hores horas ч час часа часов",
    "days": "d day days dia dies dias день дня дней",
    "weeks": "w week weeks setmana setmanes semana semanas неделя неделю недели недель",
}
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?h?(am|pm)?")
_AMOUNT: Final = re.compile(r"(\d{1,5})([^\W\d_]*)")
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTTED: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")
_AFTERNOON: Final = frozenset({"am", "pm"})


def _plain(word: str) -> str:
    """In small letters, without accents."""
    split = unicodedata.normalize("NFKD", word.lower().replace("’", "'"))
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _table(words: Mapping[int, str]) -> Mapping[str, int]:
    return {_plain(word): value for value, listed in words.items() for word in listed.split()}


_DAY_OF: Final = _table(_DAYS)
_UNIT_OF: Final = {_plain(word): unit for unit, listed in _UNITS.items() for word in listed.split()}
_NEAR: Final = {_plain(phrase): days for phrase, days in _IN_DAYS.items()}
_SETS: Final = {_plain(phrase): days for phrase, days in _GROUPS.items()}


def read_when(text: str, now: datetime, zone: ZoneInfo) -> When:
    """The time at the beginning of ``text``, on the clock on the wall in ``zone``.

    One day of the week alone means the next such day; several, or "every", mean every week. A time of day alone is the next such time.

    :raises WrongTime: there is none, it has passed, or it is more than a year ahead.
    """
    originals = text.split()
    words = [_plain(word) for word in originals]
    found = _after_a_while(words, now, zone) or _moment(words, now, zone) or _by_day(words, now, zone)
    if found is None:
        raise WrongTime("I do not see when that is.", f"Such as: {EXAMPLES}", key="appointment.no_time", fields={"examples": EXAMPLES})
    rule, taken = found
    _check(rule, now)
    return When(rule, " ".join(originals[taken:]))


def _check(rule: Rule, now: datetime) -> None:
    if isinstance(rule, Once):
        if rule.at <= now:
            raise WrongTime("That time has passed.", "Name one that is to come.", key="appointment.past")
        if rule.at - now > LONGEST_AHEAD:
            raise WrongTime("That is more than a year ahead.", "Name a nearer time.", key="appointment.too_far")


# ---- "in 20 minutes"


def _after_a_while(words: Words, now: datetime, zone: ZoneInfo) -> Taken[Rule] | None:
    for phrase in _IN:
        begin = tuple(phrase.split())
        if tuple(words[: len(begin)]) == begin and (found := _duration(words[len(begin) :])):
            span, taken = found
            return Once(_later(now, span, zone)), len(begin) + taken
    return None


def _later(now: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
    """Days are those of the calendar: the same time of day, also when clocks are set in between."""
    local = now.astimezone(zone) + timedelta(days=span.days)
    return instant(local.date(), local.time(), zone) + (span - timedelta(days=span.days)) if span.days else now + span


def _duration(words: Words) -> Taken[timedelta] | None:
    if not words:
        return None
    match = _AMOUNT.fullmatch(words[0])
    if match and match[2]:
        unit, taken = _UNIT_OF.get(match[2]), 1
    elif (match or words[0] in _ONE) and len(words) > 1:
        unit, taken = _UNIT_OF.get(words[1].rstrip(".,")), 2
    else:
        return None
    return (timedelta(**{unit: int(match[1]) if match else 1}), taken) if unit else None


# ---- "2026-12-24T18:00"


def _moment(words: Words, _now: datetime, zone: ZoneInfo) -> Taken[Rule] | None:
    if not words or "t" not in words[0]:
        return None
    try:
        at = datetime.fromisoformat(words[0].upper())
    except ValueError:
        return None
    return Once(at.astimezone(UTC) if at.tzinfo else instant(at.date(), at.time(), zone)), 1


# ---- a day and a time of day, in either order


def _by_day(words: Words, now: datetime, zone: ZoneInfo) -> Taken[Rule] | None:
    return _day_first(words, now, zone) or _time_first(words, now, zone)


def _day_first(words: Words, now: datetime, zone: ZoneInfo) -> Taken[Rule] | None:
    for read in (_weekly, _dated):
        if (day := read(words, now, zone)) and (clock := _clock(words[day[1] :], bare=True)):
            return _on(day[0], clock[0], now, zone), day[1] + clock[1]
    return None


def _time_first(words: Words, now: datetime, zone: ZoneInfo) -> Taken[Rule] | None:
    if (clock := _clock(words, bare=False)) is None:
        return None
    for read in (_weekly, _dated):
        if day := read(words[clock[1] :], now, zone):
            return _on(day[0], clock[0], now, zone), clock[1] + day[1]
    today = now.astimezone(zone).date()
    at = next(at for at in (instant(today + timedelta(days=days), clock[0], zone) for days in range(3)) if at > now)
    return Once(at), clock[1]


def _on(day: frozenset[int] | date | int, at: time, now: datetime, zone: ZoneInfo) -> Rule:
    if isinstance(day, frozenset):
        return Weekly(day, at, zone)
    if isinstance(day, date):
        return Once(instant(day, at, zone))
    coming = next_occurrence(Weekly(frozenset({day}), at, zone), now)
    assert coming is not None
    return Once(coming.at)


def _clock(words: Words, *, bare: bool) -> Taken[time] | None:
    """A time of day. ``bare``: an hour alone will do, such as the 9 of "tomorrow 9"; else only after a word such as "at"."""
    skipped = _skipped(words)
    if skipped == len(words) or not (match := _CLOCK.fullmatch(words[skipped].rstrip(",;"))):
        return None
    hour, minute, half, taken = int(match[1]), int(match[2] or 0), match[3], skipped + 1
    if half is None and taken < len(words) and words[taken] in _AFTERNOON:
        half, taken = words[taken], taken + 1
    if match[2] is None and half is None and not (bare or skipped):
        return None
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return (time(hour, minute), taken) if hour < 24 and minute < 60 else None


def _skipped(words: Words) -> int:
    """How many little words come first."""
    return next((number for number, word in enumerate(words) if word not in _PARTICLES), len(words))


def _weekly(words: Words, _now: datetime, _zone: ZoneInfo) -> Taken[frozenset[int] | int] | None:
    """Days of every week; a single day that is not said to come every week is its number."""
    if found := _phrase(words, _SETS):
        return found
    every = bool(words) and words[0] in _EVERY
    taken, days, end = int(every), list[int](), 0
    while taken < len(words):
        listed = [name for name in re.split(r"[,;]", words[taken]) if name]
        if listed and all(name in _DAY_OF for name in listed):
            days += [_DAY_OF[name] for name in listed]
            end = taken + 1
        elif words[taken] not in _PARTICLES:
            break
        taken += 1
    if not days:
        return None
    return (frozenset(days), end) if every or len(set(days)) > 1 or words[0].endswith("days") else (days[0], end)


def _dated(words: Words, now: datetime, zone: ZoneInfo) -> Taken[date] | None:
    skipped = _skipped(words)
    if found := _phrase(words[skipped:], _NEAR):
        return now.astimezone(zone).date() + timedelta(days=found[0]), skipped + found[1]
    if skipped == len(words):
        return None
    word = words[skipped].rstrip(",;")
    numbers = [int(each) for each in match.groups()] if (match := _ISO.fullmatch(word)) else []
    if match := _DOTTED.fullmatch(word):
        numbers = [int(each) for each in reversed(match.groups())]
    try:
        return (date(*numbers), skipped + 1) if numbers else None
    except ValueError:
        return None


def _phrase(words: Words, table: Mapping[str, Found]) -> Taken[Found] | None:
    """The longest phrase of the table that the words begin with."""
    for taken in (4, 3, 2, 1):
        phrase = " ".join(words[:taken]).rstrip(",;")
        if len(words) >= taken and phrase in table:
            return table[phrase], taken
    return None
