"""Where the words of a clause stand in its sound, estimated from their lengths when the voice engine does not say."""

from __future__ import annotations

from dataclasses import dataclass

SPOKEN_SAMPLES_PER_CHARACTER = 1_300
"""About 54 ms at 24 kHz, an ordinary speaking rate."""
SLOW_SAMPLES_PER_CHARACTER = 2 * SPOKEN_SAMPLES_PER_CHARACTER
"""The slowest that a voice speaks, at half its rate."""


@dataclass(frozen=True, slots=True)
class WordTime:
    """One word with its place in the clause, in samples."""

    text: str
    start: int
    end: int


def estimated_word_times(text: str, samples: int) -> list[WordTime]:
    """Spread the words of ``text`` over ``samples`` in proportion to their lengths (plus one for the gap behind each)."""
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    times: list[WordTime] = []
    passed = 0
    for word in words:
        start, passed = passed, passed + len(word) + 1
        times.append(WordTime(word, start * samples // total, passed * samples // total))
    return times


def words_heard(text: str, samples: int, played: int) -> str:
    """The words of ``text`` that ended within the first ``played`` of ``samples``."""
    return " ".join(word.text for word in estimated_word_times(text, samples) if word.end <= played)
