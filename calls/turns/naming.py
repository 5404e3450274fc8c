"""Whose name is in these words, and is that person being called? Pure; names are compared by sound."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from calls.turns.name_sounds import Likeness, likeness
from calls.turns.word_lists import Phrases, begins_with, lists_for, words_of

LISTS: Final = "addressing.toml"
NONE: Final[Phrases] = frozenset()
_PART: Final = re.compile(r"[^,;:.!?…—–]+")


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that sound like a name. ``called``: they stand apart from the rest, as when one calls somebody."""

    likeness: Likeness
    called: bool
    first_or_last: bool

    @property
    def certain(self) -> bool:
        """It is the name: it sounds the same, or nearly so where one calls a name."""
        return self.likeness is Likeness.SAME or (self.likeness is Likeness.NEAR and (self.called or self.first_or_last))


def is_named(text: str, names: Iterable[str], language: str = "en", other_names: Sequence[str] = ()) -> bool:
    """One of ``names`` is in ``text``, called or spoken of. A word that is nearly one of them may be one of ``other_names`` instead."""
    return any(mention.certain for mention in _mentions(text, names, language, other_names))


def is_called(text: str, names: Iterable[str], language: str = "en") -> bool:
    """Somebody with one of ``names`` is spoken to: the name stands between marks, or first or last in a text without any."""
    return any(mention.certain and mention.called for mention in _mentions(text, names, language))


def calls_everyone(text: str, language: str = "en") -> bool:
    """``text`` is said to everybody: "Does anybody know…"."""
    everyone = lists_for(LISTS, language).get("everyone", NONE)
    words = words_of(text)
    return any(begins_with(words[start:], everyone) for start in range(len(words)))


def _mentions(text: str, names: Iterable[str], language: str, other_names: Sequence[str] = ()) -> Iterator[Mention]:
    lists = lists_for(LISTS, language)
    parts = [words for part in _PART.findall(text) if (words := words_of(part))]
    unmarked = _PART.fullmatch(text) is not None
    for name in filter(words_of, names):
        for words in parts:
            yield from _in_part(words, name, lists, other_names, unmarked=unmarked)


def _in_part(words: list[str], name: str, lists: dict[str, Phrases], other_names: Sequence[str], *, unmarked: bool) -> Iterator[Mention]:
    length = len(words_of(name))
    for taken in {max(1, length - 1), length, length + 1}:
        for start in range(len(words) - taken + 1):
            heard = words[start : start + taken]
            found = _like(heard, name, lists)
            if found is Likeness.SAME or (found is Likeness.NEAR and not _is_one_of(heard, other_names)):
                greeted = _is_greeting(words[:start], lists.get("greetings", NONE))
                last = start + taken == len(words)
                yield Mention(found, called=(greeted and last) or (unmarked and (greeted or last)), first_or_last=greeted or last)


def _like(heard: list[str], name: str, lists: dict[str, Phrases]) -> Likeness:
    """Words that are ordinary ones count for less; a name heard as more or fewer words than it has must sound the same."""
    if heard == words_of(name):
        return Likeness.SAME
    found = likeness("".join(heard).removesuffix("'s"), name)
    if tuple(heard) in lists.get("ordinary", NONE):
        return Likeness(max(0, found - 1))
    return found if found is Likeness.SAME or len(heard) == len(words_of(name)) else Likeness.NONE


def _is_one_of(heard: list[str], names: Sequence[str]) -> bool:
    """One of the words of a name is enough, because people are called by their first names."""
    return any(likeness("".join(heard), word) is Likeness.SAME for name in names for word in words_of(name))


def _is_greeting(words: list[str], greetings: Phrases) -> bool:
    return not words or any(tuple(words[:length]) in greetings and _is_greeting(words[length:], greetings) for length in (1, 2, 3))
