"""What the browser's own voice has spoken counts as heard: no more than it was left, and once."""

from __future__ import annotations

import pytest

from brain import Role
from calls.history import History, PastExchange
from calls.unspoken import MOST_LEFT, Unspoken

REPLY = "Yes. So it is."


def history_of(reply_heard: str) -> History:
    history = History()
    history.add(PastExchange("Ann", "Is it?", reply_heard, speaker_id=7))
    return history


@pytest.mark.parametrize(
    ("heard_before", "left", "characters", "heard"),
    [
        ("", REPLY, len(REPLY), REPLY),
        ("", REPLY, 5, "Yes."),
        ("Yes.", "So it is.", 9, REPLY),
        ("Yes.", "So it is.", 10**30, REPLY),
        ("Yes.", "So it is.", 0, "Yes."),
        ("Yes.", "So it is.", -3, "Yes."),
        ("Yes", REPLY, len(REPLY), REPLY),
    ],
)
def test_as_much_as_was_spoken_is_heard_and_never_more_than_was_left(heard_before: str, left: str, characters: int, heard: str) -> None:
    history = history_of(heard_before)
    unspoken = Unspoken(history)
    unspoken.leave(17, left)
    history.add(PastExchange("Ann", "Really?", "Really."))
    unspoken.spoken(17, characters)
    unspoken.spoken(17, len(left))
    assert [exchange.reply_heard for exchange in history.exchanges] == [heard, "Really."]
    assert (history.exchanges[0].said, history.exchanges[0].speaker_id) == ("Is it?", 7)


def test_a_brain_is_told_what_was_heard_since() -> None:
    history = history_of("")
    unspoken, before = Unspoken(history), history.version
    unspoken.leave(17, REPLY)
    unspoken.spoken(17, len(REPLY))
    assert history.version > before
    assert [(message.role, message.text) for message in history.messages()] == [(Role.USER, "Is it?"), (Role.ASSISTANT, REPLY)]


def test_what_was_left_to_no_page_is_not_heard() -> None:
    history = history_of("")
    unspoken = Unspoken(history)
    unspoken.spoken(17, 100)
    unspoken.leave(17, REPLY)
    unspoken.spoken(18, 100)
    assert history.exchanges[0].reply_heard == ""


def test_what_was_forgotten_stays_forgotten() -> None:
    history = history_of("")
    unspoken = Unspoken(history)
    unspoken.leave(17, REPLY)
    history.forget(7)
    unspoken.spoken(17, len(REPLY))
    assert history.exchanges == []


def test_of_many_that_are_never_told_of_the_oldest_are_not_spoken() -> None:
    history = history_of("")
    unspoken = Unspoken(history)
    for number in range(MOST_LEFT + 1):
        unspoken.leave(number, REPLY)
    unspoken.spoken(0, len(REPLY))
    assert history.exchanges[0].reply_heard == ""
    unspoken.spoken(1, len(REPLY))
    assert history.exchanges[0].reply_heard == REPLY
