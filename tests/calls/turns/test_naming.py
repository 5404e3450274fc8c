from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.turns.name_sounds import Likeness, likeness, sounds_of
from calls.turns.naming import calls_everyone, is_called, is_named

NAMES = ("Parley",)
_COMMON_WORDS = """
party partly parting barely hardly poorly purely parlor parlour parsley parcel early pearl paris parallel particularly properly
family probably really farley harley marley charlie polly molly sally pally bali barlow parade prayer play player pretty parent
part park party's barley apparently carly curly burly surely daily valley alley rally parliament parking parody policy holy only
lovely partner paddle puppy perfectly
"""
COMMON_WORDS = _COMMON_WORDS.split()


@pytest.mark.parametrize(
    "heard", ["Parley", "parlay", "Parly", "Parlie", "Parlee", "Parlei", "Parli", "Par lay", "Parlé", "Парли", "Парлей"]
)
def test_spellings_that_sound_the_same(heard: str) -> None:
    assert likeness(heard, "Parley") is Likeness.SAME


@pytest.mark.parametrize("word", COMMON_WORDS)
def test_common_words_are_not_the_name(word: str) -> None:
    assert not is_named(f"I think {word} is what they said.", NAMES)


@pytest.mark.parametrize("word", [word for word in COMMON_WORDS if word not in ("barley", "harley")])
def test_common_words_are_not_the_name_even_where_one_calls_a_name(word: str) -> None:
    assert not is_named(f"{word}, what time is it?", NAMES)
    assert not is_named(word, NAMES)


def test_a_word_that_is_nearly_the_name_counts_where_one_calls_a_name() -> None:
    assert is_named("Barley, what time is it?", NAMES)
    assert is_named("Hey Barley!", NAMES)
    assert is_named("Harley, what is the capital of Italy?", NAMES)
    assert is_named("Arley, how many days are there in a week?", NAMES)
    assert is_named("Parway", NAMES)
    assert is_named("Parway, what is the capital of Italy?", NAMES)
    assert not is_named("I had some barley soup.", NAMES)
    assert not is_named("He rides a Harley to work.", NAMES)
    assert not is_named("We met in Arley last year.", NAMES)


def test_a_word_that_is_nearly_the_name_is_the_name_of_whoever_is_called_so() -> None:
    assert not is_named("Harley, what time is it?", NAMES, other_names=("Bob", "Harley Quinn"))
    assert is_named("Harley, ask Parley what time it is.", NAMES, other_names=("Harley Quinn",))
    assert is_named("Parley, what time is it?", NAMES, other_names=("Parley",))


@pytest.mark.parametrize(
    "text",
    [
        "Parlay, what time is it?",
        "what do you think parly",
        "so ask Parley about it",
        "Thanks, Parley.",
        "Par lay, tell us",
        "Parley's answer was wrong",
    ],
)
def test_the_name_anywhere(text: str) -> None:
    assert is_named(text, NAMES)


def test_an_ordinary_word_that_sounds_the_same_counts_only_where_one_calls_a_name() -> None:
    assert not is_named("We could parlay that into a win.", NAMES)
    assert is_named("Okay, parlay, go on.", NAMES)


@pytest.mark.parametrize(
    ("text", "language", "named"),
    [
        ("Oye Parley, ¿qué tal?", "es", True),
        ("Por ley no se puede.", "es", False),
        ("Hola Parli, quina hora és?", "ca", True),
        ("Que parli en Joan.", "ca", False),
        ("Parla més a poc a poc.", "ca", False),
        ("Парли, который час?", "ru", True),
        ("Парни, пошли!", "ru", False),
    ],
)
def test_names_in_other_languages(text: str, language: str, named: bool) -> None:
    assert is_named(text, NAMES, language) is named


def test_other_names_and_names_of_several_words() -> None:
    assert is_named("Hey Mister Bean, are you there?", ("Parley", "Mister Bean"))
    assert is_named("hey misterbean", ("Mister Bean",))
    assert not is_named("a mister came by", ("Mister Bean",))


def test_a_short_name_must_sound_the_same() -> None:
    assert is_named("Al, are you there?", ("Al",))
    assert not is_named("Is it over? Eel. Ill will.", ("Al",))


def test_who_is_called() -> None:
    assert is_called("Anna, can you hear me?", ("Anna",))
    assert is_called("hey anna can you hear me", ("Anna",))
    assert is_called("What do you think, Anna?", ("Anna",))
    assert not is_called("Anna said no.", ("Anna",))
    assert not is_called("I met Anna, you know.", ("Anna",))


def test_everybody() -> None:
    assert calls_everyone("Does anybody know the time?")
    assert not calls_everyone("Do you know the time?")


@given(st.text(max_size=30), st.text(max_size=12))
def test_any_text_and_any_name_can_be_compared(text: str, name: str) -> None:
    assert is_named(text, (name,)) in (True, False)
    assert is_called(text, (name,)) <= is_named(text, (name,))
    assert likeness(text, name) is likeness(name, text) or len(sounds_of(text)) < 4 or len(sounds_of(name)) < 4
