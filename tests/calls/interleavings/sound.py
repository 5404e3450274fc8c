"""Words that can be recognised by their sound alone, whatever their loudness and wherever a stretch of it begins.

The samples of a word come in pairs: a positive one that tells the word, and a negative one that is the same in all words. Their ratio
survives any gain, their signs tell which is which. The last pairs of a word tell that it has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product
from typing import Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, PLAYOUT_RATE_HZ

SAMPLES_PER_CHARACTER: Final = PLAYOUT_RATE_HZ * 20 // 1000
"""50 characters a second: faster than people, so that a conversation is short."""
REFERENCE: Final = 30_000
STEP: Final = 50
"""Two neighbouring words differ by this much at full loudness, and by 12 when ducked."""
MOST_WORDS: Final = 250
END_PAIRS: Final = 4
QUIETEST: Final = 1_500
"""Below this reference (the end of a fade) nothing is recognised."""

_BOT_CONSONANTS: Final = "bdgklmnprst"
_PEOPLE_CONSONANTS: Final = "dfgklmrstvz"
_VOWELS: Final = "aeiou"


@dataclass(slots=True, eq=False)
class Word:
    """One word of one clause that was handed to the voice engine."""

    text: str
    place: int
    """In its clause, from 0."""
    clause: Clause
    ended_at: int | None = None
    """When the ear had heard it to its end, as a place in the record."""


@dataclass(slots=True, eq=False)
class Clause:
    """What was handed to the voice engine at once."""

    text: str
    words: list[Word] = field(default_factory=list)
    whole_at: int | None = None
    """When all of its sound had been made, as a place in the record."""

    @property
    def whole(self) -> bool:
        """All of its sound was made."""
        return self.whole_at is not None


@cache
def bot_word(number: int) -> str:
    """The ``number``-th word that a brain says: four letters, no two alike."""
    return "".join(_BOT_WORDS[number * 37 % len(_BOT_WORDS)])


@cache
def person_word(number: int) -> str:
    """The ``number``-th word that people say: five letters."""
    return "".join(_PEOPLE_WORDS[number * 37 % len(_PEOPLE_WORDS)]) + "x"


_BOT_WORDS: Final = list(product(_BOT_CONSONANTS, _VOWELS, _BOT_CONSONANTS, _VOWELS))
_PEOPLE_WORDS: Final = list(product(_PEOPLE_CONSONANTS, _VOWELS, _PEOPLE_CONSONANTS, _VOWELS))
PERSON_NUMBERS: Final = {person_word(number): number for number in range(len(_PEOPLE_WORDS))}


@lru_cache(4096)
def sound_of_word(number: int, characters: int) -> bytes:
    """The ``number``-th sound of a conversation, as long as a word of so many characters and the gap behind it takes."""
    samples = np.empty(characters * SAMPLES_PER_CHARACTER, dtype="<i2")
    samples[1::2] = -REFERENCE
    samples[0::2] = (2 * number + 1) * STEP
    samples[-2 * END_PAIRS :: 2] += STEP
    return samples.tobytes()


class Ear:
    """Knows every sound the voice engine makes in one conversation, and recognises it in frames of it."""

    def __init__(self) -> None:
        self.clauses: list[Clause] = []
        self._words: list[Word] = []

    def teach(self, text: str) -> tuple[Clause, bytes]:
        """A sound for ``text``, unlike every other."""
        clause = Clause(text)
        self.clauses.append(clause)
        pieces = []
        for place, spelling in enumerate(text.split()):
            word = Word(spelling, place, clause)
            clause.words.append(word)
            pieces.append(sound_of_word(len(self._words), len(spelling) + 1))
            self._words.append(word)
        if len(self._words) > MOST_WORDS:
            raise OverflowError("The conversation is too long for the ear to tell its words apart.")
        return clause, b"".join(pieces)

    def recognise(self, frame: bytes, at: int) -> list[Word]:
        """The words in ``frame``, in order; those that end in it are marked as heard."""
        heard: list[Word] = []
        for code in codes_in(frame):
            word = self._words[(code - 1) // 2]
            if code % 2 == 0 and word.ended_at is None:
                word.ended_at = at
            if not heard or heard[-1] is not word:
                heard.append(word)
        return heard


@lru_cache(100_000)
def codes_in(frame: bytes) -> tuple[int, ...]:
    """The codes in ``frame``, without repetitions in a row; between two references the loudness is taken to change evenly."""
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float64)
    marks = np.flatnonzero(samples < -QUIETEST)
    marks = marks[marks > 0]
    codes: list[int] = []
    for mark in marks:
        reference = samples[mark] if mark < 2 or samples[mark - 2] >= 0 else (samples[mark] + samples[mark - 2]) / 2
        code = round(samples[mark - 1] / -reference * REFERENCE / STEP)
        if code > 0 and (not codes or codes[-1] != code):
            codes.append(code)
    return tuple(codes)


def samples_in(pcm: bytes) -> int:
    """How many samples ``pcm`` has."""
    return len(pcm) // BYTES_PER_SAMPLE
