"""English numbers in words, so that "10" and "ten" are the same word."""

from __future__ import annotations

import re
from typing import Final

ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS: Final = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES: Final = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
CURRENCIES: Final = {"$": "dollars", "£": "pounds", "€": "euros"}
LONGEST_NUMBER: Final = 12


def spelled(number: int) -> str:
    """A cardinal number below a million million: ``spelled(121)`` is "one hundred twenty one"."""
    for scale, word in SCALES:
        if number >= scale:
            rest = number % scale
            return f"{spelled(number // scale)} {word}" + (f" {spelled(rest)}" if rest else "")
    if number < len(ONES):
        return ONES[number]
    return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")


def ordinal(number: int) -> str:
    """The ordinal: ``ordinal(21)`` is "twenty first"."""
    *before, last = spelled(number).split()
    ending = ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*before, ending])


def with_numbers_spelled(text: str) -> str:
    """``text`` with each number in digits as words: amounts ("$27.15"), clock times, decimals, thousands, ordinals, years."""
    text = re.sub(r"(?<![\d.,$£€:])(1[1-9]|20)([1-9]\d)(?![\d,.:]\d|\d|\w)", _year, text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"([$£€])\s?(\d+)(?:\.(\d\d)\b)?", _amount, text)
    text = re.sub(r"\b(\d{1,2}):(\d\d)\b", _clock_time, text)
    text = re.sub(r"(\d+)\.(\d+)", lambda match: f" {_cardinal(match[1])} point {' '.join(ONES[int(digit)] for digit in match[2])} ", text)
    text = re.sub(r"(\d+)(?:st|nd|rd|th)\b", lambda match: f" {ordinal(int(match[1][-LONGEST_NUMBER:]))} ", text)
    text = re.sub(r"\d+", lambda match: f" {_cardinal(match[0])} ", text)
    return re.sub(r"\b(hundred|thousand) and\b", r"\1", text)


def _amount(match: re.Match[str]) -> str:
    cents = f" {_cardinal(match[3])}" if match[3] and int(match[3]) else ""
    return f" {_cardinal(match[2])} {CURRENCIES[match[1]]}{cents} "


def _year(match: re.Match[str]) -> str:
    return f" {spelled(int(match[1]))} {spelled(int(match[2]))} "


def _clock_time(match: re.Match[str]) -> str:
    minutes = int(match[2])
    after = f"oh {ONES[minutes]}" if 0 < minutes < 10 else spelled(minutes) if minutes else ""
    return f" {_cardinal(match[1])} {after} "


def _cardinal(digits: str) -> str:
    if len(digits) > LONGEST_NUMBER or (len(digits) > 1 and digits.startswith("0")):
        return " ".join(ONES[int(digit)] for digit in digits)
    return spelled(int(digits))
