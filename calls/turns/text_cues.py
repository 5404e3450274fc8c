"""What the words of a turn say about whether it is finished: pure, by word lists per language (``text_cues.toml``).

A transcript of speech that was cut off often ends with a full stop that nobody spoke, so the last words weigh more than the marks.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from calls.turns.word_lists import Phrases, begins_with, ends_with, lists_for, words_of

LISTS: Final = "text_cues.toml"
NONE: Final[Phrases] = frozenset()
FEW_WORDS: Final = 3
"""A sentence of fewer words may be the beginning of a longer one."""
DICTATED_RUN: Final = 3
"""This many number words in a row are being dictated."""
WHOLE_NUMBER_DIGITS: Final = 9
"""A number with this many digits may be complete: a telephone number without its prefix."""
_SENTENCES: Final = re.compile(r"(?<=[.!?…])\s+")


class Ending(Enum):
    """How a turn ends; ``value`` is how much that speaks for its being finished, from -1 (surely not) to 1 (surely)."""

    HESITATION = -1.0
    """Looking for words: "um"."""
    DANGLING = -0.9
    """A word that needs another: "and the"."""
    DICTATION = -0.7
    """In the middle of a number."""
    BROKEN_OFF = -0.6
    """Marked so by the engine: dots, a dash, a comma."""
    HALF = -0.4
    """The first half of two: "If you come"."""
    OPEN = -0.5
    """No mark at the end, from an engine that sets marks."""
    UNKNOWN = 0.0
    """No words, or none that say anything; also whatever an engine without marks gives."""
    SENTENCE = 0.3
    """A sentence with its full stop."""
    ASKED = 0.5
    """Begins like a question, from an engine that sets no marks; or has the mark of one, and nothing else of it."""
    REPLY = 0.7
    """Complete however short: "no, thanks"."""
    QUESTION = 0.9
    """Asked; the answer is wanted now."""


def finished_by_words(text: str, language: str = "en") -> float:
    """From -1 (surely unfinished) to 1 (surely finished); 0 where the words say nothing. Marks alone count in a language without lists."""
    return ending_of(text, language).value


def ending_of(text: str, language: str = "en") -> Ending:
    """How the turn ``text`` ends."""
    words = words_of(text)
    if not words:
        return Ending.UNKNOWN
    lists = lists_for(LISTS, language)
    last_sentence = _SENTENCES.split(text.strip())[-1]
    return _by_last_words(words, last_sentence, lists) or _by_sentence(last_sentence, lists) or _by_mark(last_sentence, lists)


def _by_last_words(words: list[str], sentence: str, lists: dict[str, Phrases]) -> Ending | None:
    if tuple(words_of(sentence)) in lists.get("replies", NONE):
        return Ending.REPLY
    if ends_with(words, lists.get("hesitations", NONE)):
        return Ending.HESITATION
    if being_dictated(words, lists):
        return Ending.DICTATION
    if ends_with(words, lists.get("never_last", NONE)) or _ends_on_auxiliary(words, lists):
        return Ending.DANGLING
    wants_a_thing = begins_with(words_of(sentence), lists.get("questions", NONE))
    return Ending.DANGLING if ends_with(words, lists.get("rarely_last", NONE)) and not wants_a_thing else None


def _ends_on_auxiliary(words: list[str], lists: dict[str, Phrases]) -> bool:
    return ends_with(words, lists.get("auxiliaries", NONE)) and not ends_with(words[:-1], lists.get("pronouns", NONE))


def _by_sentence(sentence: str, lists: dict[str, Phrases]) -> Ending | None:
    words = words_of(sentence)
    begins_as_question = begins_with(words, lists.get("questions", NONE) | lists.get("yes_or_no", NONE))
    marked, formed = sentence.endswith("?"), begins_as_question or "¿" in sentence or not lists
    if ends_with(words, lists.get("tags", NONE)) or (marked and formed):
        return Ending.QUESTION
    if marked:
        return Ending.ASKED
    if sentence.endswith(("...", "…", "-", "—", "–", ",", ";", ":")):
        return Ending.BROKEN_OFF
    if begins_with(words, lists.get("subordinators", NONE)) and "," not in sentence:
        return Ending.HALF
    return None


def _by_mark(sentence: str, lists: dict[str, Phrases]) -> Ending:
    words = words_of(sentence)
    if sentence.rstrip(" \"'”»)").endswith((".", "!", "。")):
        return Ending.SENTENCE if len(words) >= FEW_WORDS else Ending.UNKNOWN
    if sentence != sentence.lower():
        return Ending.OPEN
    begins_as_question = begins_with(words, lists.get("questions", NONE) | lists.get("yes_or_no", NONE))
    return Ending.ASKED if begins_as_question and len(words) >= FEW_WORDS else Ending.UNKNOWN


def being_dictated(words: list[str], lists: dict[str, Phrases]) -> bool:
    """The words end in a number that is spoken digit by digit or group by group, and it is shorter than a telephone number."""
    numbers = lists.get("numbers", NONE)
    run = _numbers_at_end(words, numbers)
    if not run or _digits_in(run) >= WHOLE_NUMBER_DIGITS:
        return False
    groups = sum(word[0].isdecimal() for word in run)
    named = any((word,) in lists.get("dictated", NONE) for word in words[: -len(run)])
    return named or len(run) >= DICTATED_RUN or groups > 1


def _numbers_at_end(words: list[str], numbers: Phrases) -> list[str]:
    run: list[str] = []
    for word in reversed(words):
        if not word.replace("-", "").isdecimal() and (word,) not in numbers:
            break
        run.append(word)
    return run


def _digits_in(run: list[str]) -> int:
    return sum(sum(map(str.isdecimal, word)) or 1 for word in run)
