"""Cuts a streamed reply into clauses that a voice can begin with: the first one early, the later ones where one would breathe."""

from __future__ import annotations

import re
from typing import Final

from brain.speakable import MAX_REPLY_CHARS, shortened, speakable
from brain.word_lists import ABBREVIATIONS, CONNECTIVES, LEAD_TO_ADDRESSES, of_language

LATER_COMMA_CHARS: Final = 60
"""After the first clause, a comma ends a clause only when it is at least this long."""
LATER_PAUSE_CHARS: Final = 25
"""The same for semicolons, colons, dashes and dots of hesitation."""
FIRST_CONNECTIVE_WORDS: Final = 7
"""A first clause with this many words and no punctuation ends before the next connective."""
WORDS_BEFORE_EARLY_STOP: Final = 3
"""A first clause of this many words ends at a full stop at once; of fewer only when a space follows, as in ``see example.org``."""
LONGEST_CLAUSE_CHARS: Final = 220
"""A clause this long ends at the next space."""
LONGEST_MARKUP_CHARS: Final = 160
"""An unclosed link, tag or piece of inline code delays a clause no further than this."""

_CLOSERS: Final = "\"'”’»)]*_"
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]\Z")
_LIST_NUMBER = re.compile(r"\s*\d{1,2}\Z")
_OPEN_BLOCK = re.compile(r"```(?:(?!```).)*\Z|~~~(?:(?!~~~).)*\Z|<think(?:ing)?>(?:(?!</think).)*\Z", re.DOTALL | re.IGNORECASE)
_OPEN_MARKUP = re.compile(r"\[[^\]]*\Z|\]\([^)\s]*\Z|<[a-zA-Z/!|][^>]*\Z|(?<!`)`(?!`)[^`]*\Z")
_PAIRED_CODE = re.compile(r"`[^`]*`")


class ClauseSplitter:
    """Takes one reply as it streams and gives what to say, clause by clause, already :func:`speakable`.

    Where the text is cut does not depend on how it was split into deltas, except at a full stop inside a word of the first
    clause. Together the clauses never exceed :data:`MAX_REPLY_CHARS`; the rest of a longer reply is dropped, and :attr:`full`
    tells that no more is wanted.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._connectives = of_language(CONNECTIVES, language)
        self._lead_to_addresses = of_language(LEAD_TO_ADDRESSES, language)
        self._pending = ""
        self._scanned = 0
        self._spoken_chars = 0

    @property
    def full(self) -> bool:
        """Whether the reply has reached its longest length, so that the model may stop."""
        return self._spoken_chars >= MAX_REPLY_CHARS

    def feed(self, delta: str) -> list[str]:
        """The clauses that ``delta`` completes, in order."""
        self._pending += delta
        clauses = []
        while (cut := self._next_cut()) is not None:
            clauses.append(self._taken(cut))
        return [clause for clause in clauses if clause]

    def flush(self) -> list[str]:
        """What is left when the reply has ended: one clause, or none."""
        clause = self._taken(len(self._pending))
        return [clause] if clause else []

    def _taken(self, cut: int) -> str:
        raw, self._pending, self._scanned = self._pending[:cut], self._pending[cut:], 0
        room = MAX_REPLY_CHARS - self._spoken_chars
        spoken = speakable(raw, self._language)
        clause = shortened(spoken, room) if room > 0 else ""
        self._spoken_chars = MAX_REPLY_CHARS if len(spoken) > len(clause) else self._spoken_chars + len(clause) + bool(clause)
        return clause

    def _next_cut(self) -> int | None:
        for index in range(self._scanned, len(self._pending)):
            if (cut := self._cut_at(index)) is not None and not _inside_markup(self._pending[:cut]):
                return cut
            self._scanned = index + 1
        return None

    def _cut_at(self, index: int) -> int | None:
        """Where to cut, judged when the character at ``index`` arrives: behind it, or before it when it follows a mark."""
        character, before = self._pending[index], self._pending[:index]
        if character == "\n":
            return index + 1 if before.strip() else None
        if character.isspace():
            return self._cut_before_space(before)
        if character in ",!?" and _is_plain_word(before) and self._may_end(character, before + character):
            return index + 1
        if character == "." and self._is_first and self._ends_a_first_sentence(index, before):
            return index + 1
        return None

    def _ends_a_first_sentence(self, index: int, before: str) -> bool:
        """Whether a full stop may be taken for the end without a look at what follows, which would cost a token."""
        words = before.split()
        if self._pending[index + 1 : index + 2].strip() or len(words) < WORDS_BEFORE_EARLY_STOP:
            return False
        if words[-2].lower() in self._lead_to_addresses:
            return False
        return len(words[-1]) > 1 and _is_plain_word(before) and self._may_end(".", before + ".")

    def _cut_before_space(self, before: str) -> int | None:
        marked = before.rstrip(_CLOSERS)
        if not _says_something(marked):
            return None
        if self._may_end(marked[-1], marked) or len(before) >= LONGEST_CLAUSE_CHARS:
            return len(before)
        return self._start_of_late_connective(before) if self._is_first else None

    def _start_of_late_connective(self, before: str) -> int | None:
        words = before.split()
        late = len(words) > FIRST_CONNECTIVE_WORDS and words[-1].lower() in self._connectives
        return len(before.rstrip()) - len(words[-1]) if late else None

    @property
    def _is_first(self) -> bool:
        return self._spoken_chars == 0

    def _may_end(self, mark: str, clause: str) -> bool:
        length = len(clause.strip())
        if clause.endswith(("..", "…")) or mark in ";:—–":
            return self._is_first or length >= LATER_PAUSE_CHARS
        if mark == ",":
            return self._is_first or length >= LATER_COMMA_CHARS
        return mark in "!?。" or (mark == "." and not _ends_in_abbreviation(clause))


def _says_something(clause: str) -> bool:
    return any(character.isalnum() for character in clause)


def _is_plain_word(before: str) -> bool:
    """Whether a comma behind ``before`` needs no look at what follows: its last word is letters only, so no number and no address."""
    word = before[-40:].split()[-1:] if before and not before[-1].isspace() else []
    return bool(word) and word[0].strip("\"'“‘«(*_¿¡").replace("'", "").replace("’", "").replace("-", "").isalpha()


def _ends_in_abbreviation(clause: str) -> bool:
    words = clause[:-1].split()
    if not words:
        return True
    word = words[-1].lstrip("(\"'“«*_")
    return word.lower() in ABBREVIATIONS or bool(_INITIALS.match(word)) or bool(_LIST_NUMBER.match(clause[:-1]))


def _inside_markup(clause: str) -> bool:
    if _OPEN_BLOCK.search(clause):
        return True
    opened = _OPEN_MARKUP.search(_PAIRED_CODE.sub("", clause))
    return opened is not None and len(opened[0]) <= LONGEST_MARKUP_CHARS
