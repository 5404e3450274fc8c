"""Does a word sound like a name? Words are reduced to how they sound, roughly, and compared sound by sound: pure, for any name.

A transcript spells a name it has never seen as the words it knows: "Parlay", "Parly", "Par lay", "Парли".
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import cache
from typing import Final

SAME_SOUND: Final = 0.04
"""The distance per sound up to which two words count as one: for a name of five sounds, no difference that is heard."""
NEAR_SOUND: Final = 0.11
"""The distance per sound up to which a word may be the name, where one calls a name: "Barley", "Harley", "Arley" or "Parway" for
"Parley", but not "party"."""
LEAST_SOUNDS_FOR_NEAR: Final = 4
VOWELS: Final = frozenset("aeiou")
OTHER_VOWEL: Final = 0.3
LOST_VOWEL: Final = 0.6
EASILY_TAKEN: Final = 0.5
"""One consonant for another that speech recognition takes for it: voiced and voiceless, the breath after a "p" for an "h", and the liquid
ones: an "l" for an "r", or for the "w" that is written "u" here."""
OTHER_CONSONANT: Final = 1.0
LOST_CONSONANT: Final = 1.0
BREATHED: Final = frozenset("ptkh")
"""Sounds that, at the beginning of a word, speech recognition may not hear at all: "Arley" for "Parley"."""
LOST_BREATH: Final = 0.5
_PAIRS: Final = frozenset(map(frozenset, ("pb", "td", "kg", "fv", "sz", "xj", "mn", "ph", "lu", "lr")))
_CYRILLIC: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхцыэ", "abvgdeziiklmnoprstufhsie", strict=True))
    | {"ё": "o", "ж": "j", "ч": "x", "ш": "x", "щ": "x", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
)
_SPELLINGS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"tch|ch|sh|sch|tx", "x"),
        (r"dge|dj|j|g(?=[ei])", "j"),
        (r"ph", "f"),
        (r"wh", "w"),
        (r"ck|qu|q|c(?![eiy])", "k"),
        (r"c", "s"),
        (r"th", "t"),
        (r"gh", ""),
        (r"(?<=[aeiou])h", ""),
        (r"(?:ay|ey|ei|ai|igh|ie|ee|ea|y|i|e)(?=$)", "i"),
        (r"ee|ea|ie|ei|ey|y", "i"),
        (r"ai|ay", "e"),
        (r"oo|ou|ow", "u"),
        (r"au|aw", "o"),
        (r"w", "u"),
    )
)


class Likeness(IntEnum):
    """How much a word sounds like a name."""

    NONE = 0
    NEAR = 1
    """It may be the name where one calls a name."""
    SAME = 2


@cache
def sounds_of(spelled: str) -> str:
    """One letter per sound, vowels only roughly told apart; such as ``parli`` for Parley, Parlay, Parly and Парли."""
    lowered = unicodedata.normalize("NFC", spelled).casefold().translate(_CYRILLIC)
    plain = "".join(letter for letter in unicodedata.normalize("NFD", lowered) if letter.isalpha() and letter.isascii())
    for pattern, sound in _SPELLINGS:
        plain = pattern.sub(sound, plain)
    return re.sub(r"(.)\1+", r"\1", plain)


def likeness(word: str, name: str) -> Likeness:
    """How much ``word`` sounds like ``name``; spaces do not count."""
    heard, wanted = sounds_of(word), sounds_of(name)
    if not heard or not wanted:
        return Likeness.NONE
    per_sound = _distance(heard, wanted) / max(len(heard), len(wanted))
    if per_sound <= SAME_SOUND:
        return Likeness.SAME
    return Likeness.NEAR if per_sound <= NEAR_SOUND and len(wanted) >= LEAST_SOUNDS_FOR_NEAR else Likeness.NONE


def _distance(heard: str, wanted: str) -> float:
    """The cheapest way from one to the other, by sounds lost, added and taken for others."""
    row = [0.0]
    for place, sound in enumerate(wanted):
        row.append(row[-1] + _lost(sound, first=place == 0))
    for place, heard_sound in enumerate(heard):
        above, row = row, [row[0] + _lost(heard_sound, first=place == 0)]
        for column, sound in enumerate(wanted):
            changed = above[column] + _taken_for(heard_sound, sound)
            row.append(min(changed, above[column + 1] + _lost(heard_sound), row[column] + _lost(sound)))
    return row[-1]


def _lost(sound: str, *, first: bool = False) -> float:
    if first and sound in BREATHED:
        return LOST_BREATH
    return LOST_VOWEL if sound in VOWELS else LOST_CONSONANT


def _taken_for(heard: str, wanted: str) -> float:
    if heard == wanted:
        return 0.0
    if heard in VOWELS and wanted in VOWELS:
        return OTHER_VOWEL
    return EASILY_TAKEN if frozenset((heard, wanted)) in _PAIRS else OTHER_CONSONANT
