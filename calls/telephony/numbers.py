"""Telephone numbers: what is one, and which may be called."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from calls import errors
from calls.telephony import failures

E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_BETWEEN_DIGITS: Final = re.compile(r"[\s().\-/]")
MOST_CHARACTERS: Final = 40
SHOWN_DIGITS: Final = 2


def parsed(written: str) -> str:
    """The number in the form +34612345678, of one written with the country code; spaces, dots, dashes and brackets are left out.

    :raises calls.errors.CallError: it is no such number.
    """
    number = _BETWEEN_DIGITS.sub("", written) if len(written) <= MOST_CHARACTERS else ""
    if not (number.isascii() and E164.fullmatch(number)):
        raise errors.of(failures.NO_NUMBER)
    return number


def parsed_list(written: str) -> tuple[str, ...]:
    """The beginnings of numbers in a setting, separated by commas."""
    return tuple(_BETWEEN_DIGITS.sub("", each) for each in written.split(",") if each.strip())


def shown(number: str) -> str:
    """As much of it as others need to recognise it."""
    return f"…{number[-SHOWN_DIGITS:]}"


def check_allowed(number: str, allowed: Iterable[str]) -> None:
    """Whether a number may be called, given the prefixes (such as ``+34``) that are allowed.

    :raises calls.errors.CallError: it may not.
    """
    premium, elsewhere = _ranges()
    if number.startswith(premium):
        raise errors.of(failures.PREMIUM)
    longest = max((len(prefix) for prefix in allowed if number.startswith(prefix)), default=0)
    needed = max((len(prefix) for prefix in elsewhere if number.startswith(prefix)), default=1)
    if longest < needed:
        raise failures.not_allowed(number[: max(needed, 4)])


@cache
def _ranges() -> tuple[tuple[str, ...], tuple[str, ...]]:
    told = tomllib.loads(Path(__file__).with_name("number_ranges.toml").read_text(encoding="utf-8"))
    return tuple(f"+{each}" for each in told["premium"]), tuple(f"+{each}" for each in told["elsewhere"])
