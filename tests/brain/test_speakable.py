"""What is never said aloud, and what is said in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.speakable import MAX_REPLY_CHARS, shortened, speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Paris is the capital of France.", "Paris is the capital of France."),
        ("**Paris** is _the_ `capital` of ~~Spain~~ France.", "Paris is the capital of Spain France."),
        ("# Weather\nSunny.", "Weather Sunny."),
        ("- apples\n- pears\n* plums", "apples pears plums"),
        ("1. Boil water.\n2) Add tea.", "Boil water. Add tea."),
        ("> quoted", "quoted"),
        ("See [the guide](https://example.com/a_b?c=1) first.", "See the guide first."),
        ("Look: ![a cat](cat.png) nice.", "Look: nice."),
        ("Go to https://example.com/path?x=1, then rest.", "Go to, then rest."),
        ("Visit www.example.com.", "Visit."),
        ("Read example.com/docs now.", "Read now."),
        ("Before ```python\nprint('x')\n``` after.", "Before after."),
        ("Before ```print('never closed')", "Before"),
        ("<think>what do they want</think>Hello.", "Hello."),
        ("<think>never closed", ""),
        ("<b>Bold</b> and<br/>new &amp; old", "Bold and new and old"),
        ("Done.<|im_end|>", "Done."),
        ("Great 😀👍🏽 job ❤️!", "Great job!"),
        ("Flag 🇪🇸 and family 👨‍👩‍👧.", "Flag and family."),
        ("Nice :-) really ;) yes <3", "Nice really yes"),
        ("It is 20°C, or 68 °F.", "It is 20 degrees Celsius, or 68 degrees Fahrenheit."),
        ("50% of $5 and 3€", "50 percent of 5 dollars and 3 euros"),
        ("2 + 3 = 5", "2 plus 3 equals 5"),
        ("3*4 is 3 × 4", "3 times 4 is 3 times 4"),
        ("Salt & pepper", "Salt and pepper"),
        ("Mail ann@example.com please", "Mail ann at example dot com please"),
        ("Paris (the capital) is big.", "Paris, the capital, is big."),
        ("Well — yes – no - maybe", "Well, yes, no, maybe"),
        ("A well-known fact: it's 3.14 or 1,000.", "A well-known fact: it's 3.14 or 1,000."),
        ("“Hello”, she said.", "Hello, she said."),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("Line one\n\n\nline two", "Line one line two"),
        ("...", ""),
        ("😀", ""),
        ("", ""),
        ("¿Qué tal? ¡Bien!", "¿Qué tal? ¡Bien!"),
        ("snake_case stays", "snake case stays"),
    ],
)
def test_says(text: str, said: str) -> None:
    assert speakable(text) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "50 por ciento y más"), ("ca", "50 per cent i més"), ("ru", "50 процентов и плюс"), ("fr", "50% más")],
)
def test_symbols_become_words_of_the_language(language: str, said: str) -> None:
    rest = {"es": "más", "ca": "més", "ru": "плюс", "fr": "más"}[language]
    assert speakable(f"50% & {rest}", language) == said


def test_a_reply_is_cut_at_a_word_before_the_longest_length() -> None:
    said = speakable("wonderful " * 200)
    assert len(said) <= MAX_REPLY_CHARS
    assert said.endswith("wonderful")


def test_a_single_endless_word_is_cut_too() -> None:
    assert shortened("a" * 50, 10) == "a" * 10


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_gives_only_what_a_voice_can_read(text: str) -> None:
    said = speakable(text)
    assert len(said) <= MAX_REPLY_CHARS
    assert not set('*`|<>[]{}#\\\n\t"') & set(said)
    assert said == said.strip()
    assert said == "" or any(character.isalnum() for character in said)


@given(st.lists(st.from_regex(r"[a-zéñü]{1,9}", fullmatch=True), min_size=1, max_size=40))
def test_plain_words_are_left_alone(words: list[str]) -> None:
    assert speakable(" ".join(words)) == " ".join(words)
