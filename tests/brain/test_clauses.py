"""Where a streamed reply is cut, and that nothing is lost by it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brain.clauses import ClauseSplitter
from brain.speakable import MAX_REPLY_CHARS, speakable


def spoken(deltas: Iterable[str], language: str = "en") -> list[str]:
    splitter = ClauseSplitter(language)
    clauses = [clause for delta in deltas for clause in splitter.feed(delta)]
    return clauses + splitter.flush()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Paris.", ["Paris."]),
        ("Sure, I can do that.", ["Sure,", "I can do that."]),
        ("Paris is the capital of France.", ["Paris is the capital of France."]),
        ("Hello, Ann! How are you?", ["Hello,", "Ann!", "How are you?"]),
        ("Yes. It is, I think, so.", ["Yes.", "It is, I think, so."]),
        ("Well... maybe not.", ["Well…", "maybe not."]),
        ("Pi is 3.14 and a ton is 1,000 kilos.", ["Pi is 3.14 and a ton is 1,000 kilos."]),
        ("Mr. Smith, e.g. from the U.S. army, left.", ["Mr. Smith,", "e.g. from the U.S. army, left."]),
        ("J. R. Tolkien wrote it. It is long.", ["J. R. Tolkien wrote it.", "It is long."]),
        ("At 10:30 a.m. we leave. Be there.", ["At 10:30 a.m. we leave.", "Be there."]),
        ("It opened in 1990. It closed soon.", ["It opened in 1990.", "It closed soon."]),
        ("Go to https://a.example/b,c!d?e=f. Then rest.", ["Go to.", "Then rest."]),
        ("1. Boil water.\n2. Add tea.", ["Boil water.", "Add tea."]),
        ("- apples\n- pears\n", ["apples", "pears"]),
        ("¿Qué tal? ¡Muy bien! Adiós.", ["¿Qué tal?", "¡Muy bien!", "Adiós."]),
        ("El Sr. Puig viu a Girona. Bon dia.", ["El Sr. Puig viu a Girona.", "Bon dia."]),
        ("Да, конечно. Это Москва, т.е. столица.", ["Да,", "конечно.", "Это Москва, т.е. столица."]),
        ('He said "Stop." Then he left.', ["He said Stop.", "Then he left."]),
        ("**Sure,** it is *here*. Yes.", ["Sure,", "it is here.", "Yes."]),
        (
            "A lighthouse is a large and very tall structure that guides ships home at night.",
            ["A lighthouse is a large and very tall structure", "that guides ships home at night."],
        ),
        (
            "Yes. The lighthouse stood on a cliff at the edge of the grey northern sea, and its light was seen for miles.",
            ["Yes.", "The lighthouse stood on a cliff at the edge of the grey northern sea,", "and its light was seen for miles."],
        ),
        ("Here you go:\n```python\nx = 1. Or, not!\n```\nDone.", ["Here you go:", "Done."]),
        ("See [one, two. three](https://x.example/a b) now.", ["See one, two. three now."]),
        ("<think>Hm, what now? Well.</think>Hello, you.", ["Hello,", "you."]),
        ("😀👍", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_cuts(text: str, clauses: list[str], size: int) -> None:
    deltas = [text[start : start + size] for start in range(0, len(text), size)]
    assert [clause.replace("...", "…") for clause in spoken(deltas)] == clauses


def test_a_first_clause_is_given_at_its_comma_without_waiting_for_more() -> None:
    assert ClauseSplitter().feed("Sure,") == ["Sure,"]


def test_a_number_or_an_address_waits_for_what_follows() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It costs 1,") == []
    assert splitter.feed("000 euros at shop.") == []
    assert splitter.feed("example today. ") == ["It costs 1,000 euros at shop.example today."]


def test_a_first_sentence_ends_at_its_full_stop_behind_what_leads_to_addresses_in_another_language() -> None:
    assert ClauseSplitter("en").feed("There are seven days in a week.") == ["There are seven days in a week."]


@pytest.mark.parametrize(("language", "waits"), [("en", False), ("es", True), ("ca", True), ("auto", True)])
def test_behind_a_word_that_leads_to_addresses_in_its_language_a_full_stop_waits(language: str, waits: bool) -> None:
    assert bool(ClauseSplitter(language).feed("Look this up a shop.")) is not waits


def test_in_catalan_an_address_may_follow_the_verb() -> None:
    assert ClauseSplitter("ca").feed("La pàgina és botiga.") == []


def test_a_connective_of_another_language_is_no_place_to_breathe() -> None:
    text = "A bicycle has wheels which turn easily to move around on a flat surface."
    assert spoken([text]) == [text]
    assert ClauseSplitter("ca").feed("Aquesta bicicleta tan vella va ser comprada on vivíem abans ") == [
        "Aquesta bicicleta tan vella va ser comprada"
    ]


def test_a_stray_backtick_or_bracket_does_not_hold_the_reply_back() -> None:
    text = "Use the ` key and the [ key. " + "Then press enter and wait for the light. " * 6
    assert len(spoken([text])) >= 3


def test_a_sentence_without_marks_ends_at_a_space_in_the_end() -> None:
    clauses = spoken(["Yes. " + "word " * 100])
    assert max(len(clause) for clause in clauses) <= 230


def test_a_long_reply_ends_at_the_longest_length() -> None:
    splitter = ClauseSplitter()
    clauses = [clause for _ in range(40) for clause in splitter.feed("This is one more sentence of it. ")]
    assert splitter.full
    assert MAX_REPLY_CHARS - 40 <= len(" ".join(clauses)) <= MAX_REPLY_CHARS
    assert splitter.feed("And more. ") == []
    assert splitter.flush() == []


def test_a_short_reply_is_not_full() -> None:
    splitter = ClauseSplitter()
    splitter.feed("Yes, it is. ")
    assert not splitter.full


TRICKY_WORDS = """
    the lighthouse Mr. e.g. 3.14 1,000 and because https://x.example/a,b.c! Sí, ¿dónde? well... (inside) **bold** `code` U.S. да.
"""
PROSE = st.lists(st.sampled_from(TRICKY_WORDS.split()), max_size=60).map(" ".join)


def chopped(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(places)]


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w'.,]*\w", text)


@given(PROSE, st.lists(st.integers(0, 1000)))
def test_the_clauses_together_say_what_the_whole_says(text: str, cuts: list[int]) -> None:
    assert words_of(" ".join(spoken(chopped(text, cuts)))) == words_of(speakable(text))


@given(st.text(max_size=200), st.lists(st.integers(0, 200)))
@example("```a. b\n", [1, 2, 5])
@example("a<think>b. c</think>d", [3, 9, 12])
def test_where_it_is_cut_does_not_depend_on_the_deltas(text: str, cuts: list[int]) -> None:
    assert spoken(chopped(text, cuts)) == spoken([text])


@given(st.lists(st.integers(0, 60)))
def test_nothing_hidden_leaks_however_it_is_split(cuts: list[int]) -> None:
    text = "Look. ```py\nsecret, yes. no\n``` <think>secret. hm</think> https://secret.example/secret?x=1 ok."
    assert "secret" not in " ".join(spoken(chopped(text, cuts)))
