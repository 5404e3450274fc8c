"""Comparing what was heard with what was said: word error rate over words in one common spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audio.stt.spelled_numbers import with_numbers_spelled

SAME_WORD: Final = {"mr": "mister", "mrs": "missus", "dr": "doctor", "ok": "okay", "alright": "all right", "versus": "vs", "%": "percent"}


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Substituted, missing and additional words together, and the words that were really said."""

    errors: int
    words: int

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)

    @property
    def rate(self) -> float:
        """Errors per word said; where nothing was said, 1.0 if something was heard, else 0.0. May exceed 1."""
        return self.errors / self.words if self.words else float(self.errors > 0)


def normalized_words(text: str) -> list[str]:
    """The words of ``text`` in lower case, without punctuation, numbers spelled out ("ten", "twenty one"), titles in full."""
    text = with_numbers_spelled(text.lower().replace("’", "'"))
    text = re.sub(r"(?<=\w)'(?=\w)", "", text)
    words = re.findall(r"%|\w+", text.replace("_", " "))
    return " ".join(SAME_WORD.get(word, word) for word in words).split()


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """How far ``hypothesis`` (heard) is from ``reference`` (said)."""
    said = normalized_words(reference)
    return WordErrors(_edit_distance(said, normalized_words(hypothesis)), len(said))


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Errors per word of ``reference``, 0.0 for none."""
    return word_errors(reference, hypothesis).rate


def pooled(results: Iterable[WordErrors]) -> WordErrors:
    """All errors over all words, so that a long clip counts for more than a short one."""
    return sum(results, WordErrors(0, 0))


def _edit_distance(said: Sequence[str], heard: Sequence[str]) -> int:
    row = list(range(len(heard) + 1))
    for deleted, word in enumerate(said, 1):
        diagonal, row[0] = row[0], deleted
        for column, other in enumerate(heard, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1]
