"""What fits, and from when on the rest is to be summarised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.budget import Summary, estimated_tokens, first_kept, to_be_covered
from brain.engine import Message, Role


def talk(exchanges: int, chars: int = 60) -> list[Message]:
    """Exchanges whose two messages cost ``chars / 3 + 6`` tokens each."""
    return [
        Message(role, "x" * chars, "Ann" if role is Role.USER else None) for _ in range(exchanges) for role in (Role.USER, Role.ASSISTANT)
    ]


def tokens(history: list[Message]) -> int:
    return sum(estimated_tokens(message.text) for message in history)


def test_as_long_as_there_is_room_nothing_is_cut_or_summarised() -> None:
    assert first_kept(talk(5), 600) == 0
    assert to_be_covered(talk(5), None, 600) is None
    assert to_be_covered([], None, 600) is None


def test_a_summary_is_wanted_before_the_budget_is_used_up() -> None:
    history = talk(9)
    assert tokens(history) < 600
    until = to_be_covered(history, None, 600)
    assert until is not None
    assert history[until].role is Role.USER
    assert tokens(history[until:]) <= 300


def test_with_a_summary_it_is_the_uncovered_rest_that_counts() -> None:
    summary = Summary("Ann likes tea.", 12)
    assert to_be_covered(talk(9), summary, 600) is None
    until = to_be_covered(talk(16), summary, 600)
    assert until is not None
    assert until > 12


def test_one_endless_message_is_not_summarised_away() -> None:
    assert to_be_covered([Message(Role.USER, "x" * 9000, "Ann")], None, 600) is None


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(50, 1000))
def test_what_is_left_fits_and_the_newest_message_is_never_covered(sizes: list[int], budget: int) -> None:
    roles = (Role.USER, Role.ASSISTANT)
    history = [Message(roles[index % 2], "x" * size) for index, size in enumerate(sizes)]
    until = to_be_covered(history, None, budget)
    if until is not None:
        assert 0 < until < len(history)
        assert until == len(history) - 1 or tokens(history[until:]) <= budget // 2
