from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.stt.spelled_numbers import ordinal, spelled
from audio.stt.word_errors import WordErrors, normalized_words, pooled, word_error_rate, word_errors


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", "hello world"),
        ("I'm re-entering; it’s e-mail.", "im re entering its e mail"),
        ("10 of clubs", "ten of clubs"),
        ("Mr. Smith and Dr. No, OK?", "mister smith and doctor no okay"),
        ("It costs $27.15, or 3 %.", "it costs twenty seven dollars fifteen or three percent"),
        ("At 10:30, at 7:05, at 9:00", "at ten thirty at seven oh five at nine"),
        ("1,250 people in 1961", "one thousand two hundred fifty people in nineteen sixty one"),
        ("one hundred and five", "one hundred five"),
        ("the 21st, 3rd and 40th", "the twenty first third and fortieth"),
        ("2.5 and 007", "two point five and zero zero seven"),
        ("  …?! ", ""),
        ("Ça va très bien", "ça va très bien"),
    ],
)
def test_the_common_spelling(text: str, words: str) -> None:
    assert normalized_words(text) == words.split()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety nine"),
        (100, "one hundred"),
        (1_000_001, "one million one"),
        (12_345, "twelve thousand three hundred forty five"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert spelled(number) == words


def test_ordinals_in_words() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 5, 8, 9, 12, 20, 22, 100)] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth", "twenty second", "one hundredth",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("please hold the line", "Please hold the line.", 0),
        ("please hold the line", "please told the line", 1),
        ("please hold the line", "please the line", 1),
        ("please hold the line", "please do hold the line", 1),
        ("please hold the line", "", 4),
        ("", "thank you", 2),
    ],
)
def test_errors_are_substitutions_deletions_and_insertions(said: str, heard: str, errors: int) -> None:
    assert word_errors(said, heard).errors == errors


def test_the_rate_is_per_word_said() -> None:
    assert word_error_rate("one two three four", "one two three five") == 0.25
    assert word_error_rate("", "") == 0.0
    assert word_error_rate("", "hello") == 1.0


def test_pooled_errors_weigh_clips_by_their_words() -> None:
    assert pooled([WordErrors(1, 1), WordErrors(0, 9)]).rate == 0.1
    assert pooled([]).rate == 0.0


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_compared(said: str, heard: str) -> None:
    compared = word_errors(said, heard)

    assert 0 <= compared.errors <= max(compared.words, len(normalized_words(heard)))
    assert word_errors(said, said).errors == 0
