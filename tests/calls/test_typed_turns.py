"""Words typed into a call are a turn like any other."""

from __future__ import annotations

import asyncio

import pytest

from brain import Role
from calls import events
from calls.typed_turn import MOST_CHARACTERS, readable
from tests.calls.stage import ANN, Clip, Stage
from tests.calls.test_conversation import LONG
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named


async def play_and_type(stage: Stage, seconds: float, *typed: tuple[float, str]) -> None:
    playing = asyncio.create_task(stage.play(seconds))
    began_s = asyncio.get_running_loop().time()
    for at_s, text in typed:
        await asyncio.sleep(began_s + at_s - asyncio.get_running_loop().time())
        stage.conversation.typed(ANN, text)
    await playing


def test_what_is_typed_is_answered_aloud() -> None:
    stage = Stage([], lambda _messages: "Yes. It is so.")
    run_in_virtual_time(play_and_type(stage, 6, (1.0, "Is it so?")))
    (exchange,) = stage.exchanges()
    assert (exchange.heard, exchange.reply_heard) == ("Is it so?", "Yes. It is so.")
    assert exchange.speaker_id == ANN.id
    assert exchange.spans_ms["endpointing"] == exchange.spans_ms["hearing"] == 0
    assert [type(event) for event in stage.happened[:3]] == [events.TurnBegan, events.PhaseChanged, events.TurnHeard]
    assert len(stage.audible()) == 1


def test_typing_interrupts_the_bot() -> None:
    stage = Stage([], lambda messages: LONG if messages[-1].text == "Tell me all." else "Fine.")
    run_in_virtual_time(play_and_type(stage, 14, (0.5, "Tell me all."), (5.0, "Enough.")))
    first, second = stage.exchanges()
    assert first.interrupted
    assert first.reply_heard != first.reply
    assert (second.heard, second.reply_heard) == ("Enough.", "Fine.")


def test_who_speaks_after_typing_is_answered_twice() -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question], lambda messages: f"To {next(m.text for m in reversed(messages) if m.role is Role.USER)}")
    stage.thinks.first_token_s = 2.0
    stage.say(1.2, question)
    run_in_virtual_time(play_and_type(stage, 20, (1.0, "First this.")))
    assert [exchange.heard for exchange in stage.exchanges()] == ["First this.", question.text]


@pytest.mark.parametrize(
    ("typed", "read"),
    [("  two\n lines\t", "two lines"), ("\x00\u202e \r", ""), ("x" * 5000, "x" * MOST_CHARACTERS), ("日本 é", "日本 é")],
)
def test_what_is_typed_is_made_readable(typed: str, read: str) -> None:
    assert readable(typed) == read


def test_nothing_typed_is_no_turn() -> None:
    stage = Stage([])
    run_in_virtual_time(play_and_type(stage, 2, (0.5, " \n ")))
    assert not stage.of(events.TurnBegan)
