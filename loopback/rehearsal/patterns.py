"""What a script expects to be written, and the placeholders in its texts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BOT_PLACEHOLDER: Final = "{bot}"
"""Stands for the name the bot answers to, in what is typed, said and expected."""
_NOW: Final = re.compile(r"\{now(?:(?P<sign>[+-])(?P<count>\d{1,4})(?P<unit>[hm]))?(?: (?P<zone>[A-Za-z0-9_/+-]+))?\}")
_MEANT_AS_NOW: Final = re.compile(r"\{now[^}]*\}?")


def pattern_of(expected: str) -> re.Pattern[str]:
    """``/…/`` and ``/…/i`` are regular expressions; anything else is text that must occur, upper or lower case.

    :raises ValueError: not a regular expression.
    """
    delimited = re.fullmatch(r"/(.+)/(i?)", expected, re.DOTALL)
    if delimited is None:
        return re.compile(re.escape(expected), re.IGNORECASE)
    try:
        return re.compile(delimited[1], re.IGNORECASE if delimited[2] else 0)
    except re.error as error:
        raise ValueError(f"{expected!r} is not a regular expression ({error})") from None


def with_times(text: str, now: datetime, time_zone: str) -> str:
    """``text`` with the time in the place of ``{now}``, ``{now+1h}``, ``{now-30m}``, ``{now+1h Europe/Madrid}``.

    The time is written as HH:MM, in ``time_zone`` unless the placeholder names one. ``now`` knows its own zone.
    """

    def written(match: re.Match[str]) -> str:
        ahead = _ahead(match)
        return (now + ahead).astimezone(ZoneInfo(match["zone"] or time_zone)).strftime("%H:%M")

    return _NOW.sub(written, text)


def mistake_in_times(text: str) -> str | None:
    """Why a placeholder of the time in ``text`` can't be filled in; ``None`` if all can."""
    for meant in _MEANT_AS_NOW.finditer(text):
        match = _NOW.fullmatch(meant[0])
        if match is None:
            return f"{meant[0]!r} is no time: write {{now}}, {{now+1h}}, {{now-30m}} or {{now+1h Europe/Madrid}}"
        if match["zone"] and not _is_zone(match["zone"]):
            return f"there is no time zone {match['zone']!r}; give a name such as Europe/Madrid"
    return None


def _ahead(match: re.Match[str]) -> timedelta:
    if match["count"] is None:
        return timedelta()
    count = int(match["sign"] + match["count"])
    return timedelta(hours=count) if match["unit"] == "h" else timedelta(minutes=count)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
