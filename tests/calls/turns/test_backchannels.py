from __future__ import annotations

import pytest

from calls.turns.backchannels import is_backchannel


@pytest.mark.parametrize(
    "text",
    [
        "Mm-hmm.",
        "mhm",
        "Mmm",
        "Hmm.",
        "Uh-huh.",
        "Yeah.",
        "Yeah, yeah.",
        "Okay.",
        "Right.",
        "Oh, I see.",
        "Oh yeah, okay.",
        "Got it!",
        "Aha",
    ],
)
def test_signs_of_listening(text: str) -> None:
    assert is_backchannel(text, 0.6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "Stop.",
        "No.",
        "Wait",
        "What?",
        "Really?",
        "Yeah but wait",
        "Okay, so what about",
        "I see the problem",
        "Right now",
        "yes yes yes yes yes",
    ],
)
def test_what_wants_the_floor(text: str) -> None:
    assert not is_backchannel(text, 0.6)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Sí, sí.", "es"),
        ("Vale", "es"),
        ("Ya, claro", "es"),
        ("Clar, clar.", "ca"),
        ("D'acord", "ca"),
        ("Ага.", "ru"),
        ("Угу", "ru"),
        ("Да-да", "ru"),
    ],
)
def test_in_other_languages(text: str, language: str) -> None:
    assert is_backchannel(text, 0.6, language)


@pytest.mark.parametrize(("text", "language"), [("Espera", "es"), ("No", "es"), ("Para", "ca"), ("Нет", "ru"), ("Стоп", "ru")])
def test_wanting_the_floor_in_other_languages(text: str, language: str) -> None:
    assert not is_backchannel(text, 0.6, language)


def test_long_speech_wants_the_floor_whatever_was_understood() -> None:
    assert not is_backchannel("Yeah.", 2.0)


def test_a_language_without_lists_has_the_english_words_and_hums() -> None:
    assert is_backchannel("Okay.", 0.5, "de")
    assert is_backchannel("Mhm", 0.5, "de")
    assert not is_backchannel("Moment mal", 0.5, "de")
