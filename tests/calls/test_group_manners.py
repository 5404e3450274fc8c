"""Several people in a call: who is answered, what stops the bot's voice and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calls import events
from calls.manners import Manners
from calls.turns.addressing import AddressingRules, Mode
from calls.turns.patience import PROFILES
from tests.calls.stage import ANN, BOB, Clip, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

ADDRESSED = replace(Manners(), addressing=AddressingRules(mode=Mode.ADDRESSED))
LONG = "Well, there is a lot to say about it. " + " ".join(f"Sentence number {place} goes on for a while." for place in range(8))


def spoken(stem: str, words: str) -> Clip:
    """A recording that is taken to say ``words``."""
    return Clip(clip_named(stem)[0], words)


@pytest.fixture
def to_parley() -> Clip:
    return spoken("lv_0880", "Parley, what do you think of it all?")


@pytest.fixture
def to_nobody() -> Clip:
    return spoken("lv_0930", "he might even have been made amiable himself")


def ignored(stage: Stage) -> list[tuple[str, str]]:
    return [(event.speaker, event.reason) for event in stage.happened if isinstance(event, events.TurnIgnored)]


def test_people_who_talk_to_each_other_are_left_alone(to_nobody: Clip) -> None:
    stage = Stage([to_nobody], manners=ADDRESSED)
    stage.say(0.5, to_nobody, ANN)
    stage.say(5.0, to_nobody, BOB)
    run_in_virtual_time(stage.play(10))
    assert stage.audible() == []
    assert stage.exchanges() == []
    assert ignored(stage) == [("Ann", "not addressed"), ("Bob", "not addressed")]
    assert stage.thinks.asked == []


def test_the_bot_answers_when_it_is_named_and_knows_what_was_said_before(to_nobody: Clip, to_parley: Clip) -> None:
    stage = Stage([to_nobody, to_parley], manners=ADDRESSED)
    stage.say(0.5, to_nobody, ANN)
    stage.say(5.0, to_parley, BOB)
    run_in_virtual_time(stage.play(12))
    assert [exchange.speaker for exchange in stage.exchanges()] == ["Bob"]
    assert any(to_nobody.text in message.text for message in stage.thinks.asked[-1])


def test_whoever_was_answered_may_go_on_without_the_name(to_nobody: Clip, to_parley: Clip) -> None:
    stage = Stage([to_nobody, to_parley], manners=ADDRESSED)
    end_s = stage.say(0.5, to_parley, ANN)
    stage.say(end_s + 4.0, to_nobody, ANN)
    run_in_virtual_time(stage.play(16))
    assert [exchange.heard for exchange in stage.exchanges()] == [to_parley.text, to_nobody.text]


def test_in_silent_mode_nothing_is_answered(to_parley: Clip) -> None:
    stage = Stage([to_parley], manners=replace(Manners(), addressing=AddressingRules(mode=Mode.SILENT)))
    stage.say(0.5, to_parley)
    run_in_virtual_time(stage.play(6))
    assert stage.audible() == []
    assert ignored(stage) == [("Ann", "silenced")]


def test_a_sign_of_listening_holds_the_bot_only_for_a_moment(to_parley: Clip) -> None:
    hum = Clip(clip_named("lv_0930")[0][16_000 : 16_000 + 32_000 * 45 // 100], "uh-huh")
    stage = Stage([to_parley, hum], lambda _messages: LONG, manners=ADDRESSED)
    end_s = stage.say(0.5, to_parley)
    stage.say(end_s + 3.0, hum)
    run_in_virtual_time(stage.play(40))
    (exchange,) = stage.exchanges()
    assert not exchange.interrupted
    assert exchange.reply_heard == exchange.reply
    (resumed,) = [event for event in stage.happened if isinstance(event, events.FalseInterruption)]
    assert (resumed.turn_id, resumed.by, resumed.words) == (exchange.turn_id, "Ann", "uh-huh")
    assert ignored(stage) == [("Ann", "backchannel")]


def test_somebody_who_talks_to_another_does_not_stop_the_bot_for_good(to_parley: Clip) -> None:
    aside = Clip(clip_named("lv_0880")[0], "Ann, pass me the salt please")
    stage = Stage([to_parley, aside], lambda _messages: LONG, manners=ADDRESSED)
    stage.hears.clips = [aside]
    opening = Clip(clip_named("lv_0930")[0], to_parley.text)
    stage.hears.clips.append(opening)
    end_s = stage.say(0.5, opening, ANN)
    stage.say(end_s + 3.0, aside, BOB)
    run_in_virtual_time(stage.play(45))
    assert [exchange.interrupted for exchange in stage.exchanges()] == [False]
    assert stage.exchanges()[0].reply_heard == stage.exchanges()[0].reply
    assert ignored(stage) == [("Bob", "said to somebody else")]


def test_a_question_that_is_plainly_over_is_answered_sooner_than_one_that_is_not() -> None:
    waits = []
    for words in ("Parley, what is the capital of France?", "Parley, I would like to know about the"):
        clip = spoken("lv_0880", words)
        stage = Stage([clip], manners=replace(Manners(), waits=PROFILES["balanced"]))
        end_s = stage.say(0.5, clip)
        run_in_virtual_time(stage.play(10))
        waits.append(stage.audible()[0][0] - end_s)
    assert waits[0] < 0.75 < 1.2 < waits[1]
