"""Text as a voice should read it: no markdown, code, addresses, emoji or emoticons, and symbols as words."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from brain.word_lists import SYMBOL_WORDS

MAX_REPLY_CHARS: Final = 700
"""No reply is spoken beyond this many characters."""

_HIDDEN = re.compile(
    r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)|```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"(?: ?\n)+")
_SPECIAL_TOKEN = re.compile(r"<\|[^<>|]{0,40}\|>")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)?")
_LINK = re.compile(r"\[([^\]\n]{0,200})\](?:\([^)\n]{0,500}\)?|\[[^\]\n]{0,200}\])")
_URL = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:)\S*[^\s.,;:!?)\]}\"'»”’]/?", re.IGNORECASE)
_PATH_URL = re.compile(r"\b(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,10}/\S*[^\s.,;:!?)]", re.IGNORECASE)
_EMAIL = re.compile(r"\b([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,5}[a-z]{2,10})\b", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!][^<>\n]{0,300}>")
_TABLE_RULE = re.compile(r"^[ \t:|]*-{3,}[ \t:|-]*$", re.MULTILINE)
_LINE_MARK = re.compile(r"^[ \t]*(?:(?:[-*+•‣◦▪–—][ \t]+|\d{1,2}[.)][ \t]+(?=\D)|#{1,6}[ \t]+|>+[ \t]?|\[[ xX]\][ \t]+))+", re.MULTILINE)
_EMOTICON = re.compile(
    r"(?<!\S)(?:[:;=][-^o']?[)(DPpOo3\]\[/\\|*]+|<3+|\^[_.-]?\^|[xX]D+|[(]?¯\\_\(ツ\)_/¯[)]?|>[:.]<|-_-|[oO]_[oO])(?=[\s.,!?]|$)"
)
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|~~+|`+")
_SPOKEN_MARKS: Final = frozenset(".,;:!?¿¡'-…%")
_OPEN_QUOTES = re.compile(r"[\"“”„«»‹›]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "\u00a0": " ", "\u202f": " ", "\u2011": "-"})


def speakable(text: str, language: str = "en") -> str:
    """``text`` without what cannot be said, at most :data:`MAX_REPLY_CHARS` long; empty when nothing is left to say.

    Symbols become words of ``language`` (en, es, ca or ru; others lose them).
    """
    text = _without_hidden(text)
    text = _without_markup(_BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)))
    text = _with_symbols_as_words(text, SYMBOL_WORDS.get(language, {}))
    text = _with_asides_as_commas(text)
    return shortened(_tidied(_without_unspeakable_characters(text)), MAX_REPLY_CHARS)


def shortened(text: str, limit: int) -> str:
    """``text`` cut at the last word that ends within ``limit`` characters."""
    if len(text) <= limit:
        return text
    return text[: limit + 1].rpartition(" ")[0].rstrip(" ,;:-") if " " in text[: limit + 1] else text[:limit]


def _without_hidden(text: str) -> str:
    for _ in range(2):
        text = html.unescape(text)
    return _SPECIAL_TOKEN.sub(" ", _HIDDEN.sub("\n", text))


def _without_markup(text: str) -> str:
    text = _LINK.sub(r"\1", _IMAGE.sub(" ", text))
    text = _PATH_URL.sub(" ", _URL.sub(" ", text))
    text = _LINE_MARK.sub("", _TABLE_RULE.sub("", _TAG.sub(" ", text)))
    text = _EMOTICON.sub(" ", text).replace("|", " ")
    return re.sub(r"(?<=\d)\s*\*\s*(?=\d)", " × ", text)


def _with_symbols_as_words(text: str, words: dict[str, str]) -> str:
    if not words:
        return text
    text = _EMAIL.sub(lambda found: f"{found[1]} {words['@']} " + found[2].replace(".", f" {words['dot']} "), text)
    text = re.sub(r"([$€£])\s?(\d[\d.,]*\d|\d)(?:\s(?=million|billion|thousand))?", lambda found: f"{found[2]} {words[found[1]]}", text)
    text = re.sub(r"\s?([€£$])(?!\w)", lambda found: f" {words[found[1]]}", text)
    text = re.sub(r"\s?(°\s?[CF]\b|°)", lambda found: f" {words[found[1].replace(' ', '')]}", text)
    text = re.sub(r"(?<=\d)\s?%", f" {words['%']}", text)
    text = re.sub(r"#(?=\d)", f"{words['#']} ", text)
    return re.sub(r"\s*(?:(?<=\s)([&=×÷+])(?=\s)|(?<=\w)([&=×÷])(?=\w)|(?<=\d)(\+)(?=\d))\s*", _word_of(words), text)


def _word_of(words: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: f" {words[found[1] or found[2] or found[3]]} "


def _with_asides_as_commas(text: str) -> str:
    text = re.sub(r"\s+[(\[]\s*|\s*[—―]\s*|\s+[–-]+\s+", ", ", text)
    text = re.sub(r"[)\]]\s+(?=\w)", ", ", text)
    return re.sub(r"(?<=\d)–(?=\d)", " - ", text)


def _without_unspeakable_characters(text: str) -> str:
    text = _OPEN_QUOTES.sub("", _EMPHASIS.sub("", text.translate(_APOSTROPHES)))
    return "".join(character if _is_spoken(character) else _gap(character) for character in text)


def _is_spoken(character: str) -> bool:
    return (
        character in _SPOKEN_MARKS or character.isspace() or (unicodedata.category(character)[0] in "LNM" and not _is_emoji_part(character))
    )


def _is_emoji_part(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or character == "\u20e3"


def _gap(character: str) -> str:
    return "" if unicodedata.category(character) in ("Cf", "Mn", "Me") else " "


def _tidied(text: str) -> str:
    text = re.sub(r"\s*\n\s*", " ", text.strip())
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?<!\S)['-]+(?=\s|$)", "", text)
    text = re.sub(r"\s+([.,;:!?…%])", r"\1", text)
    text = re.sub(r"[,;:]+(?=[.,;:!?…])", "", text)
    text = re.sub(r"^[\s.,;:!?…%-]+", "", re.sub(r"\s+", " ", text)).strip()
    return text if any(character.isalnum() for character in text) else ""
