"""The catalogues: nothing is missing, everything fits together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from errors import EngineError, ParleyError
from handlers import wording
from handlers.wording import ENGLISH, LANGUAGES, catalogue, has, language_of, of_error, placeholders, say

ROOT = Path(__file__).parents[2]
OTHERS = [language for language in LANGUAGES if language != ENGLISH]


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_missing(language: str) -> None:
    assert set(catalogue(language)) == set(catalogue(ENGLISH))


@pytest.mark.parametrize("language", OTHERS)
def test_the_placeholders_agree(language: str) -> None:
    english = catalogue(ENGLISH)
    differing = [key for key, text in catalogue(language).items() if placeholders(text) != placeholders(english.get(key, ""))]
    assert differing == []


@pytest.mark.parametrize("language", OTHERS)
def test_the_commands_that_a_text_names_stay_the_same(language: str) -> None:
    english = catalogue(ENGLISH)
    named = re.compile(r"(?<![\w/])/[a-z]{3,}\b")
    differing = [key for key, text in catalogue(language).items() if sorted(named.findall(text)) != sorted(named.findall(english[key]))]
    assert differing == []


def test_every_text_that_the_program_says_is_there() -> None:
    said = re.compile(r"""say\(\s*(?:[\w.]+\s*,\s*)?"([a-z_]+(?:\.[a-z_]+)*)\"""")
    keys = {key for file in (ROOT / "handlers").rglob("*.py") for key in said.findall(file.read_text(encoding="utf-8"))}
    assert len(keys) > 10
    assert {key for key in keys if not has(key)} == set()


def test_every_error_of_calls_has_its_text() -> None:
    named = re.compile(r'"(call_error\.\w+)"')
    keys = {key for file in (ROOT / "calls").rglob("*.py") for key in named.findall(file.read_text(encoding="utf-8"))}
    assert len(keys) > 10
    assert {key for key in keys if not has(key)} == set()


def test_what_a_catalogue_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"en": {"hello": "Hello {name}"}, "ca": {}}
    monkeypatch.setattr(wording, "catalogue", lambda language: texts.get(language, {}))
    assert say("ca", "hello", name="Ann") == say("xx", "hello", name="Ann") == "Hello Ann"


def test_an_error_is_told_in_the_language_of_the_chat_or_as_it_reads() -> None:
    known = ParleyError("English.", "Next.", key="call_error.flood", fields={"seconds": 5})
    assert of_error("en", known) == "Telegram asks me to wait 5 seconds. Send /joincall again in 5 seconds."
    assert of_error("ca", ParleyError("English.", "Next.")) == "English. Next."
    assert of_error("ca", ParleyError("English.", key="no.such.key")) == "English."
    assert of_error("ca", ParleyError("English.", key="call_error.flood")) == "English."


def test_errors_that_an_error_mentions_are_told_in_its_language() -> None:
    error = ParleyError("No.", key="voice_message.not_thought", fields={"what": EngineError("The service answered 500.")})
    assert of_error("en", error) == say("en", "voice_message.not_thought", what="The service answered 500.")
    assert of_error("ca", error) == say("ca", "voice_message.not_thought", what=say("ca", "engine_failed"))


def test_the_first_wish_there_is_a_catalogue_for() -> None:
    assert language_of(None, "auto", "ca") == "ca"
    assert language_of("fr", None) == "en"
