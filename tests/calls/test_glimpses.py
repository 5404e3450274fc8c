"""Words glimpsed while their speaker goes on: the reply to them begins early, and is only heard if they turn out to be what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audio.pcm import FRAME_S, HEARING_FRAME_BYTES, loudness
from brain import Message, Role
from calls import events
from calls.manners import Manners
from calls.turns.endpointing import PauseRules
from calls.turns.lulls import LullEdge, Lulls
from tests.calls.stage import Clip, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

SLOW_S = 0.6


@pytest.fixture(scope="module")
def question() -> Clip:
    return Clip(*clip_named("ast_conf-extended"))


def asked_last(messages: list[Message]) -> str:
    return next(message.text for message in reversed(messages) if message.role is Role.USER)


def played(question: Clip, glimpsed: str, *, confidence: float = 1.0, small_model: bool = False) -> tuple[Stage, events.ExchangeEnded]:
    """One question to an engine that is slow at transcribing and quick at glimpsing."""
    manners = replace(Manners(), pauses=PauseRules(end_s=0.4), small_model=small_model)
    stage = Stage([question], lambda messages: f"About {asked_last(list(messages))}", manners)
    stage.hears.delay_s, stage.hears.glimpsed, stage.hears.confidence = SLOW_S, glimpsed, confidence
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    (exchange,) = stage.exchanges()
    return stage, exchange


def test_the_reply_to_what_was_glimpsed_is_the_one_that_is_heard(question: Clip) -> None:
    differently_written = question.text.upper() + "."
    stage, exchange = played(question, differently_written)
    assert stage.hears.looked_at
    assert {asked_last(messages) for messages in stage.thinks.asked} == {differently_written}
    assert exchange.heard == question.text
    assert exchange.spans_ms["thinking"] == 0


def test_over_background_noise_the_pause_is_what_the_reply_begins_in() -> None:
    question = Clip(*clip_named("goforward"))
    _stage, exchange = played(question, "Something else.")
    assert exchange.spans_ms["thinking"] > 0
    _stage, exchange = played(question, exchange.heard)
    assert exchange.spans_ms["thinking"] == 0


def test_words_that_sound_unfinished_are_replied_to_in_the_pause_all_the_same(question: Clip) -> None:
    stage, exchange = played(question, f"{question.text} and")
    assert asked_last(stage.thinks.asked[0]) == f"{question.text} and"
    assert asked_last(stage.thinks.asked[-1]) == exchange.heard == question.text


def test_a_brain_on_this_machine_leaves_it_to_speech_to_text_while_the_words_sound_unfinished(question: Clip) -> None:
    stage, _exchange = played(question, f"{question.text} and", small_model=True)
    (asked,) = stage.thinks.asked
    assert asked_last(asked).startswith(question.text)
    assert " and" not in asked_last(asked)


def test_with_other_words_glimpsed_the_reply_begins_when_the_words_are_known(question: Clip) -> None:
    stage, exchange = played(question, "and")
    assert asked_last(stage.thinks.asked[-1]) == question.text
    assert exchange.spans_ms["thinking"] > 0


def test_a_reply_to_words_that_nobody_said_is_never_heard(question: Clip) -> None:
    stage, exchange = played(question, "Is this something else entirely?")
    asked = [asked_last(messages) for messages in stage.thinks.asked]
    assert set(asked) == {"Is this something else entirely?", question.text}
    assert asked[-1] == question.text
    assert exchange.heard == question.text
    assert exchange.reply_heard == f"About {question.text}"
    assert len(stage.audible()) == 1


def test_of_two_readings_of_the_same_words_the_surer_one_counts(question: Clip) -> None:
    misheard = " ".join(["the", "confidence", *question.text.split()[2:]])
    assert len(misheard.split()) == len(question.text.split())
    _stage, exchange = played(question, misheard, confidence=0.5)
    assert exchange.heard == misheard
    _stage, exchange = played(question, misheard, confidence=1.0)
    assert exchange.heard == question.text


def test_a_glimpse_ends_no_turn_and_is_kept_to_itself(question: Clip) -> None:
    stage, exchange = played(question, "")
    assert stage.hears.looked_at
    (heard,) = stage.of(events.TurnHeard)
    assert isinstance(heard, events.TurnHeard)
    assert heard.text == exchange.heard == question.text


@pytest.mark.parametrize("small_model", [False, True])
def test_beside_a_brain_on_this_machine_a_glimpse_waits_until_the_voice_has_risen(question: Clip, small_model: bool) -> None:
    stage, _exchange = played(question, "Is this", small_model=small_model)
    assert stage.hears.looked_at
    waited_for = LullEdge.ROSE if small_model else LullEdge.DIPPED
    assert [at_its_end(pcm) for pcm in stage.hears.looked_at] == [waited_for] * len(stage.hears.looked_at)


def at_its_end(pcm: bytes) -> LullEdge | None:
    """What the voice does in the last 10 ms."""
    lulls = Lulls()
    frames = [pcm[start : start + HEARING_FRAME_BYTES] for start in range(0, len(pcm), HEARING_FRAME_BYTES)]
    return [lulls.hear(FRAME_S, loudness(frame)) for frame in frames][-1]


def test_the_brain_reads_what_is_said_while_it_is_said(question: Clip) -> None:
    stage, _exchange = played(question, "Is this")
    begun = [messages for messages in stage.thinks.read if any(message.role is Role.USER for message in messages)]
    assert {asked_last(messages) for messages in begun} == {"Is this"}
    assert all(messages[0] == stage.thinks.asked[0][0] for messages in begun)
