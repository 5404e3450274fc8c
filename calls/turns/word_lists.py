"""The word lists of turn taking, by language: read from the .toml files beside this one, compared without case and marks."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

Phrases = frozenset[tuple[str, ...]]

_WORD: Final = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words of ``text`` as the lists have them: lower case, without marks; ``don't`` and ``mm-hm`` are one word each."""
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold().replace("’", "'").replace("ё", "е"))


@cache
def word_lists(file_name: str) -> dict[str, dict[str, Phrases]]:
    """All lists of one file, as ``lists[language][name]``."""
    tables = tomllib.loads(Path(__file__).with_name(file_name).read_text(encoding="utf-8"))
    return {language: {name: _phrases(phrases) for name, phrases in lists.items()} for language, lists in tables.items()}


def lists_for(file_name: str, language: str) -> dict[str, Phrases]:
    """The lists of ``language`` (``en`` also for ``en-GB``); none for a language that the file does not have."""
    return word_lists(file_name).get(language.replace("_", "-").partition("-")[0].lower(), {})


def _phrases(commas: str) -> Phrases:
    return frozenset(words for phrase in commas.split(",") if (words := tuple(words_of(phrase))))


def ends_with(words: list[str], phrases: Phrases) -> bool:
    """One of the phrases is how ``words`` end."""
    return any(tuple(words[-length:]) in phrases for length in range(1, min(_LONGEST, len(words)) + 1))


def begins_with(words: list[str], phrases: Phrases) -> bool:
    """One of the phrases is how ``words`` begin."""
    return any(tuple(words[:length]) in phrases for length in range(1, min(_LONGEST, len(words)) + 1))


_LONGEST: Final = 5
"""Words in the longest phrase that is looked for."""
