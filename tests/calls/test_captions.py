"""What a page shows of its call."""

from __future__ import annotations

import pytest

from calls import events
from calls.captions import caption, unspoken

AT = {"chat_id": -1, "at_s": 0.0}


def exchange(reply: str, heard: str, *, interrupted: bool = False) -> events.ExchangeEnded:
    return events.ExchangeEnded(
        **AT,  # type: ignore[arg-type]
        turn_id=3,
        revision=0,
        speaker="Ann",
        speaker_id=1,
        heard="And?",
        reply=reply,
        reply_heard=heard,
        interrupted=interrupted,
        spans_ms={"thinking": 5.0},
    )


def test_what_is_said_is_shown_as_it_is_said() -> None:
    partial = events.TurnPartial(chat_id=-1, at_s=0.0, turn_id=3, revision=1, speaker="Ann", speaker_id=1, text="An")
    assert caption(partial) == {"type": "partial", "turn": 3, "speaker": "Ann", "text": "An"}
    clause = events.ClauseSpoken(chat_id=-1, at_s=0.0, turn_id=3, text="Yes.")
    assert caption(clause) == {"type": "clause", "turn": 3, "text": "Yes."}
    cut = events.Interrupted(chat_id=-1, at_s=0.0, turn_id=3, by="Ann", heard="Ye")
    assert caption(cut) == {"type": "interrupted", "turn": 3, "heard": "Ye"}


def test_an_exchange_shows_what_was_heard_and_how_long_it_took() -> None:
    shown = caption(exchange("Yes. So it is.", "Yes. So it is."))
    assert shown is not None
    assert (shown["reply"], shown["unspoken"], shown["spans"]) == ("Yes. So it is.", "", {"thinking": 5.0})


def test_what_could_not_be_spoken_is_shown_all_the_same() -> None:
    """A91: when synthesis fails the page has the text, and can speak it itself."""
    shown = caption(exchange("Yes. So it is.", ""))
    assert shown is not None
    assert shown["unspoken"] == "Yes. So it is."
    shown = caption(exchange("Yes. So it is.", "", interrupted=True))
    assert shown is not None
    assert shown["unspoken"] == ""
    shown = caption(events.Announced(chat_id=-1, at_s=0.0, text="Hello.", heard=""))
    assert shown is not None
    assert shown["unspoken"] == "Hello."


@pytest.mark.parametrize(
    ("reply", "heard", "left"),
    [("One. Two.", "One.", "Two."), ("One. Two.", "Two.", "One. Two."), ("One.", "One.", ""), ("", "", ""), ("", "Sorry.", "")],
)
def test_of_a_reply_what_was_not_heard(reply: str, heard: str, left: str) -> None:
    assert unspoken(reply, heard) == left


def test_engines_are_not_named_to_pages() -> None:
    assert caption(events.EngineFailed(chat_id=-1, at_s=0.0, part="speaking", what="secret.host refused")) == {
        "type": "trouble",
        "part": "speaking",
    }
    assert caption(events.CallJoined(chat_id=-1, at_s=0.0)) is None
