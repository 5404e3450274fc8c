"""Whole conversations in virtual time, named by what happens in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from brain import Message, Role
from calls import events
from calls.excuses import UNREACHABLE
from calls.manners import Manners
from calls.turns.addressing import AddressingRules, Mode
from calls.turns.endpointing import PauseRules
from errors import EngineError
from tests.calls.stage import ANN, BOB, Clip, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

LONG = "Well, there is a lot to say about it. " + " ".join(f"Sentence number {place} goes on for a while." for place in range(8))


@pytest.fixture(scope="module")
def question() -> Clip:
    return Clip(*clip_named("lv_0880"))


@pytest.fixture(scope="module")
def remark() -> Clip:
    return Clip(*clip_named("lv_0930"))


def last_user_text(messages: Sequence[Message]) -> str:
    return next(message.text for message in reversed(messages) if message.role is Role.USER)


def test_a_question_is_heard_and_answered_once(question: Clip) -> None:
    stage = Stage([question], lambda _messages: "Yes. It is so.")
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(8))
    (exchange,) = stage.exchanges()
    assert exchange.heard == question.text
    assert exchange.reply == exchange.reply_heard == "Yes. It is so."
    assert not exchange.interrupted
    assert len(stage.audible()) == 1


def test_work_done_in_the_pause_costs_nothing_after_it(question: Clip) -> None:
    stage = Stage([question])
    end_s = stage.say(0.5, question)
    run_in_virtual_time(stage.play(8))
    first_sound_s = stage.audible()[0][0]
    assert first_sound_s - end_s < 0.85
    spans = stage.exchanges()[0].spans_ms
    assert list(spans) == ["endpointing", "hearing", "thinking", "speaking", "floor"]
    assert spans["hearing"] == spans["thinking"] == spans["speaking"] == 0
    first_sound_at_s = stage.exchanges()[0].first_sound_at_s
    assert first_sound_at_s is not None
    total_ms = (first_sound_at_s - stage.exchanges()[0].speech_ended_at_s) * 1000
    assert sum(spans.values()) == pytest.approx(total_ms, abs=1)


def test_nothing_is_heard_of_a_reply_before_the_turn_is_over(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark], manners=replace(Manners(), pauses=PauseRules(end_s=1.5)))
    middle_s = stage.say(0.5, question)
    end_s = stage.say(middle_s + 0.9, remark)
    run_in_virtual_time(stage.play(14))
    assert stage.audible()[0][0] > end_s
    (exchange,) = stage.exchanges()
    assert exchange.heard == f"{question.text} {remark.text}"
    assert exchange.revision >= 2
    assert len(stage.thinks.asked) >= 2
    assert len(stage.of(events.TurnHeard)) == 1


def test_going_on_before_the_answer_sounds_takes_the_turn_back(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    stage.thinks.first_token_s = 2.0
    middle_s = stage.say(0.5, question)
    stage.say(middle_s + 1.0, remark)
    run_in_virtual_time(stage.play(14))
    (exchange,) = stage.exchanges()
    assert exchange.heard == f"{question.text} {remark.text}"
    assert len(stage.audible()) == 1


def test_speech_over_the_reply_silences_it_and_history_ends_where_the_ear_did(question: Clip, remark: Clip) -> None:
    answers = {question.text: LONG, remark.text: "All right."}
    stage = Stage([question, remark], lambda messages: next(a for said, a in answers.items() if said in last_user_text(messages)))
    end_s = stage.say(0.5, question)
    barge_in_s = end_s + 3.0
    stage.say(barge_in_s, remark)
    run_in_virtual_time(stage.play(16))
    first, second = stage.exchanges()
    assert first.interrupted
    assert 0 < len(first.reply_heard.split()) < len(first.reply.split())
    assert first.reply.startswith(first.reply_heard)
    assert second.heard == remark.text
    assert second.reply_heard == "All right."
    silent_from_s = stage.audible()[0][1]
    assert silent_from_s - (barge_in_s + remark.onset_s) <= 0.25
    told = [message.text for message in stage.thinks.asked[-1] if message.role is Role.ASSISTANT]
    assert len(told) == 1
    assert first.reply_heard in told[0]
    unheard = first.reply[len(first.reply_heard) :].split()[3]
    assert not any(unheard in text for text in told)
    assert stage.thinks.stopped_early >= 1 or len(stage.speaks.spoken) < 10


def test_ducks_before_it_falls_silent(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark], lambda _messages: LONG)
    end_s = stage.say(0.5, question)
    stage.say(end_s + 3.0, remark)
    run_in_virtual_time(stage.play(10))
    silent_s = stage.audible()[0][1]
    before = [stage.loudness_at(silent_s - back) for back in (0.03, 0.04)]
    assert max(before) < 9000 * 0.6


def test_a_click_over_the_reply_only_ducks_it(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark], lambda _messages: LONG)
    end_s = stage.say(0.5, question)
    speech_in_remark = remark.pcm[16_000 : 16_000 + 2_600]
    stage.say(end_s + 3.0, speech_in_remark)
    run_in_virtual_time(stage.play(12))
    assert stage.of(events.Interrupted) == []
    assert len(stage.audible()) == 1


def test_a_false_interruption_goes_on_without_losing_a_word(question: Clip, remark: Clip) -> None:
    stage = Stage([question], lambda _messages: "One two three four five six seven eight nine ten eleven twelve thirteen fourteen.")
    end_s = stage.say(0.5, question)
    unintelligible = remark.pcm[16_000 : 16_000 + 32_000 * 45 // 100]
    stage.say(end_s + 2.0, unintelligible)
    run_in_virtual_time(stage.play(16))
    (exchange,) = stage.exchanges()
    assert not exchange.interrupted
    assert exchange.reply_heard == exchange.reply
    assert len(stage.audible()) == 2


def test_two_people_one_after_the_other_are_both_answered_in_order(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark], lambda messages: f"You said {last_user_text(messages).split()[-1]}.")
    end_s = stage.say(0.5, question, ANN)
    stage.say(end_s - 1.0, remark, BOB)
    run_in_virtual_time(stage.play(20))
    assert [(exchange.speaker, exchange.heard) for exchange in stage.exchanges()] == [("Ann", question.text), ("Bob", remark.text)]
    second_prompt = " ".join(message.text for message in stage.thinks.asked[-1])
    assert question.text in second_prompt
    assert stage.exchanges()[0].reply_heard in second_prompt


def test_frames_that_stop_in_the_middle_of_a_pause_still_end_the_turn(question: Clip) -> None:
    stage = Stage([question], manners=replace(Manners(), pauses=PauseRules(end_s=1.5)))
    end_s = stage.say(0.5, question)
    stage.gone_quiet_after_s = end_s + 0.3
    run_in_virtual_time(stage.play(10))
    assert len(stage.exchanges()) == 1


def test_a_brain_that_cannot_be_reached_is_excused_aloud_once_and_the_call_goes_on(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    stage.thinks.failure = EngineError("The brain cannot be reached.")
    end_s = stage.say(0.5, question)
    stage.say(end_s + 8.0, remark)
    run_in_virtual_time(stage.play(22))
    assert [exchange.reply_heard for exchange in stage.exchanges()] == [UNREACHABLE, ""]
    assert len(stage.of(events.EngineFailed)) == 2


def test_hearing_that_fails_costs_one_turn(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    stage.hears.failure = EngineError("No answer from the speech service.")
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(7))
    assert stage.exchanges() == []
    assert [(event.part, event.what) for event in stage.happened if isinstance(event, events.EngineFailed)] == [
        ("hearing", "No answer from the speech service.")
    ]


def test_a_voice_that_fails_leaves_the_words_unheard(question: Clip) -> None:
    stage = Stage([question])
    stage.speaks.failure = EngineError("The voice broke.")
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(7))
    (exchange,) = stage.exchanges()
    assert exchange.reply == "Yes. It is so."
    assert exchange.reply_heard == ""
    assert {event.part for event in stage.happened if isinstance(event, events.EngineFailed)} == {"speaking"}


def test_the_voice_runs_at_most_a_second_ahead_of_the_ear(question: Clip) -> None:
    stage = Stage([question], lambda _messages: LONG)
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(7))
    spoken_s = sum(0.06 * len(text) for text in stage.speaks.spoken)
    heard_s = sum(end - start for start, end in stage.audible())
    longest_clause_s = max(0.06 * len(text) for text in stage.speaks.spoken)
    assert spoken_s - heard_s <= 1.0 + longest_clause_s + 0.3


def test_the_phase_follows_the_talk(question: Clip) -> None:
    stage = Stage([question])
    stage.thinks.first_token_s = 1.5
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    assert [event.phase for event in stage.happened if isinstance(event, events.PhaseChanged)] == ["thinking", "speaking", "listening"]


def test_a_long_turn_is_transcribed_on_the_way_and_its_last_pause_costs_only_the_tail(question: Clip, remark: Clip) -> None:
    long_clip = Clip(*clip_named("lv_0870"))
    stage = Stage([long_clip, question, remark], manners=replace(Manners(), pauses=PauseRules(end_s=1.5)))
    at_s = stage.say(0.5, long_clip)
    at_s = stage.say(at_s + 0.5, question)
    stage.say(at_s + 0.5, remark)
    run_in_virtual_time(stage.play(26))
    (exchange,) = stage.exchanges()
    assert exchange.heard == f"{long_clip.text} {question.text} {remark.text}"
    assert stage.hears.lengths_s[-1] < question.seconds + remark.seconds + 2.0
    assert max(stage.hears.lengths_s) < long_clip.seconds + question.seconds + remark.seconds


def test_a_change_of_manners_counts_from_the_next_turn_on(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    end_s = stage.say(0.5, question)
    stage.say(end_s + 7, remark)
    silent = replace(stage.manners, addressing=AddressingRules(mode=Mode.SILENT))

    async def play_and_change() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.play(26))
            await asyncio.sleep(end_s + 6)
            stage.conversation.change_manners(silent)

    run_in_virtual_time(play_and_change())
    (exchange,) = stage.exchanges()
    assert exchange.heard == question.text
    assert any(isinstance(event, events.TurnIgnored) for event in stage.happened)


def test_words_are_transcribed_from_the_first_quiet_moment_on_and_only_once_when_that_was_the_end(question: Clip) -> None:
    stage = Stage([question])
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    (exchange,) = stage.exchanges()
    assert exchange.heard == question.text
    assert stage.hears.lengths_s[-1] == max(stage.hears.lengths_s)
    assert exchange.spans_ms["thinking"] == 0


def test_what_no_longer_fits_is_summarised_while_nobody_waits(question: Clip, remark: Clip) -> None:
    def answer(messages: Sequence[Message]) -> str:
        return "They talked about a young man." if "minutes" in messages[0].text else "Yes. " + "It is so indeed. " * 6

    stage = Stage([question, remark], answer, manners=replace(Manners(), history_tokens=150))
    at_s = 0.5
    for _ in range(4):
        at_s = stage.say(at_s, question) + 16.0
    run_in_virtual_time(stage.play(at_s))
    last_told = " ".join(message.text for message in stage.thinks.asked[-1])
    asked_for_answers = [messages for messages in stage.thinks.asked if "minutes" not in messages[0].text]
    assert len(stage.thinks.asked) > len(asked_for_answers) >= 4
    assert "They talked about a young man." in " ".join(message.text for message in asked_for_answers[-1]), last_told
