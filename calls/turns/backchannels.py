"""Is this only a sign of listening? "Mm-hm" said into somebody's speech does not want the floor: pure, by word lists per language."""

from __future__ import annotations

import re
from typing import Final

from calls.turns.word_lists import Phrases, lists_for, word_lists, words_of

LISTS: Final = "backchannels.toml"
LONGEST_SPEECH_S: Final = 1.3
"""Listeners are brief; somebody who speaks longer wants to say something."""
MOST_WORDS: Final = 4
LONGEST_PHRASE: Final = 4
_HUMMED: Final = re.compile(r"(?:m+h*m*|h+m+|a+h+a*|o+h+|u+h+|м+|г?м+г?м*)(?:-(?:h+u*[mh]+|m+|м+))*")


def is_backchannel(text: str, speech_s: float, language: str = "en") -> bool:
    """``text``, spoken within ``speech_s`` seconds over the bot's voice, is nothing but a sign of listening.

    Also true for a partial transcript that is one so far. False for no words at all: those may be yet to come. A "yes" in answer to a
    question is no backchannel: ask only about speech over the bot's voice. In a language without lists, the English words count.
    """
    words = words_of(text)
    if not words or len(words) > MOST_WORDS or speech_s > LONGEST_SPEECH_S or "?" in text:
        return False
    return _made_of(words, _phrases(language))


def _phrases(language: str) -> Phrases:
    return (lists_for(LISTS, language) or word_lists(LISTS)["en"])["words"]


def _made_of(words: list[str], phrases: Phrases) -> bool:
    if not words:
        return True
    if _HUMMED.fullmatch(words[0]) and _made_of(words[1:], phrases):
        return True
    lengths = range(1, min(LONGEST_PHRASE, len(words)) + 1)
    return any(tuple(words[:length]) in phrases and _made_of(words[length:], phrases) for length in lengths)
