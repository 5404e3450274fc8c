"""Every text that a chat can see, in the languages of its catalogues: one TOML file each, beside this one."""

from __future__ import annotations

import logging
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from errors import EngineError, ParleyError

log = logging.getLogger(__name__)

LANGUAGES: Final = ("en", "ca", "es", "ru")
ENGLISH: Final = "en"

Catalogue = Mapping[str, str]


def say(language: str, key: str, /, **fields: object) -> str:
    """The text of ``key``, such as ``"join.joined"``, with ``fields`` put in. What a catalogue lacks is said in English.

    :raises KeyError: no catalogue has it, or a field is missing.
    """
    text = catalogue(language).get(key) or catalogue(ENGLISH)[key]
    return text.format_map(fields)


def has(key: str) -> bool:
    """Whether there is such a text."""
    return key in catalogue(ENGLISH)


def of_error(language: str, error: ParleyError) -> str:
    """What to tell a chat of ``error``: its text in the chat's language, or in English where it has none.

    Errors that it mentions are told likewise.
    """
    if not error.key:
        return engine_detail(language, str(error)) if isinstance(error, EngineError) else str(error)
    fields = {name: of_error(language, field) if isinstance(field, ParleyError) else field for name, field in error.fields.items()}
    try:
        return say(language, error.key, **fields)
    except KeyError as missing:
        log.warning("the wording of %s lacks %s", error.key, missing)
        return str(error)


def engine_detail(language: str, what: str) -> str:
    """What a speech engine or a brain says of its failure, where that is understood; elsewhere, that the log says it."""
    return what if language == ENGLISH else say(language, "engine_failed")


def language_of(*wishes: str | None) -> str:
    """The first of ``wishes`` that there is a catalogue for, else English."""
    return next((wish for wish in wishes if wish in LANGUAGES), ENGLISH)


@cache
def catalogue(language: str) -> Catalogue:
    """All texts of a language by key; none for a language without a catalogue."""
    if language not in LANGUAGES:
        return {}
    file = Path(__file__).with_name(f"{language}.toml")
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield f"{above}{name}", value
        else:
            yield from _flat(value, f"{above}{name}.")


def placeholders(text: str) -> set[str]:
    """The names of the fields in ``text``."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
