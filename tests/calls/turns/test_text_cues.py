from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.turns.text_cues import LISTS, Ending, ending_of, finished_by_words
from calls.turns.word_lists import word_lists, words_of


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("What time is it?", Ending.QUESTION),
        ("Where are you from?", Ending.QUESTION),
        ("I'd like a pizza. What do you have?", Ending.QUESTION),
        ("So you're coming, right.", Ending.QUESTION),
        ("who is he", Ending.ASKED),
        ("Thank you.", Ending.REPLY),
        ("no", Ending.REPLY),
        ("Tell me a joke. Please.", Ending.UNKNOWN),
        ("That is wrong. Please", Ending.OPEN),
        ("Yes, please.", Ending.REPLY),
        ("The speed?", Ending.ASKED),
        ("All circuits are busy now.", Ending.SENTENCE),
        ("It was in 2019.", Ending.SENTENCE),
        ("More respectable than he was.", Ending.SENTENCE),
        ("I would like to order a pizza and", Ending.DANGLING),
        ("I want to go to the.", Ending.DANGLING),
        ("Can you help me with?", Ending.DANGLING),
        ("The problem is", Ending.DANGLING),
        ("Well, I think um...", Ending.HESITATION),
        ("My number is five five five", Ending.DICTATION),
        ("It's 555 0199", Ending.DICTATION),
        ("My card number is 4111 1111", Ending.DICTATION),
        ("My number is 612 345 678.", Ending.SENTENCE),
        ("If you come tomorrow.", Ending.HALF),
        ("If you come tomorrow, call me.", Ending.SENTENCE),
        ("And so my fellow Americans,", Ending.BROKEN_OFF),
        ("He might even have seen...", Ending.BROKEN_OFF),
        ("The password you", Ending.OPEN),
        ("tell me a joke", Ending.UNKNOWN),
        ("", Ending.UNKNOWN),
        (" ... ", Ending.UNKNOWN),
    ],
)
def test_how_an_english_turn_ends(text: str, ending: Ending) -> None:
    assert ending_of(text) is ending


@pytest.mark.parametrize(
    ("text", "language", "ending"),
    [
        ("¿Qué hora es?", "es", Ending.QUESTION),
        ("¿Por qué?", "es", Ending.QUESTION),
        ("Sí.", "es", Ending.REPLY),
        ("quiero una pizza con", "es", Ending.DANGLING),
        ("Mi número es seis cinco", "es", Ending.DICTATION),
        ("Si vienes mañana", "es", Ending.HALF),
        ("Quina hora és?", "ca", Ending.QUESTION),
        ("Vull una pizza i", "ca", Ending.DANGLING),
        ("Gràcies.", "ca", Ending.REPLY),
        ("doncs, a veure...", "ca", Ending.HESITATION),
        ("Который час?", "ru", Ending.QUESTION),
        ("Я хочу заказать пиццу и", "ru", Ending.DANGLING),
        ("Спасибо!", "ru", Ending.REPLY),
        ("Ещё раз, пожалуйста.", "ru", Ending.SENTENCE),
        ("Мой телефон девять один", "ru", Ending.DICTATION),
    ],
)
def test_how_turns_end_in_other_languages(text: str, language: str, ending: Ending) -> None:
    assert ending_of(text, language) is ending


def test_a_language_without_lists_is_judged_by_its_marks() -> None:
    assert ending_of("Wie spät ist es?", "de") is Ending.QUESTION
    assert ending_of("Ich möchte", "de") is Ending.OPEN
    assert ending_of("Ich möchte ein Bier.", "de") is Ending.SENTENCE


def test_a_variety_is_its_language() -> None:
    assert finished_by_words("and", "en-GB") == finished_by_words("and", "en") == Ending.DANGLING.value


def test_every_language_has_the_lists_it_needs() -> None:
    needed = {
        "hesitations",
        "never_last",
        "rarely_last",
        "subordinators",
        "questions",
        "yes_or_no",
        "tags",
        "replies",
        "numbers",
        "dictated",
    }
    assert set(word_lists(LISTS)) == {"en", "es", "ca", "ru"}
    assert all(needed <= set(lists) for lists in word_lists(LISTS).values())


def test_a_letter_with_a_separate_accent_is_the_same_letter() -> None:
    assert words_of("si\u0301") == words_of("sí")


@given(st.text(string.printable + "áéíóúñçйя¿…", max_size=80), st.sampled_from(["en", "es", "ca", "ru", "de", "", "zh-Hans"]))
def test_whatever_is_said_gives_a_value_between_the_bounds(text: str, language: str) -> None:
    assert -1.0 <= finished_by_words(text, language) <= 1.0


@given(st.lists(st.sampled_from(["I", "want", "two", "books", "today"]), min_size=1, max_size=6))
def test_a_trailing_and_is_never_taken_for_an_end(words: list[str]) -> None:
    assert finished_by_words(" ".join([*words, "and"])) < -0.5
    assert finished_by_words(" ".join([*words, "and"]) + ".") < -0.5
