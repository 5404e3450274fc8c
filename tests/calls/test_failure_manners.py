"""Engines in trouble, in whole conversations in virtual time: what they cost, what is said about it, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

import pytest

from audio.stt import Transcript
from audio.stt.fallback import FallbackSpeechToText
from audio.stt.hedged import HedgedSpeechToText
from brain import Message
from brain.deadlines import BrainWithDeadlines
from brain.engine import Brain, Piece
from brain.fallback import FallbackBrain
from brain.hedged import HedgedBrain
from brain.tools import Tool
from calls import events
from calls.excuses import UNHEARD, UNREACHABLE, Excuses, excuses_in
from calls.manners import Manners
from calls.turns.addressing import AddressingRules, Mode
from calls.turns.endpointing import PauseRules
from errors import EngineError
from tests.calls.stage import ANN, BOB, Clip, HearsClips, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

NEVER_S = 1e5


@pytest.fixture(scope="module")
def question() -> Clip:
    return Clip(*clip_named("lv_0880"))


@pytest.fixture(scope="module")
def remark() -> Clip:
    return Clip(*clip_named("lv_0930"))


@dataclass
class HearsBadly(HearsClips):
    """Hangs at a word, and is unsure of what has a word in it."""

    hangs_on: str = ""
    unsure_of: str = ""

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        heard = await super().transcribe(pcm, language)
        if self.hangs_on in heard.text.split():
            await asyncio.sleep(NEVER_S)
        return replace(heard, confidence=0.1 if self.unsure_of in heard.text.split() else 0.9)


def said_unasked(stage: Stage) -> list[str]:
    return [event.heard for event in stage.happened if isinstance(event, events.Announced)]


def failed_parts(stage: Stage) -> list[str]:
    return [event.part for event in stage.happened if isinstance(event, events.EngineFailed)]


# ---- hearing


def test_words_that_hang_delay_one_turn_and_not_the_call(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    stage.hears = HearsBadly([question, remark], hangs_on="disposed")
    end_s = stage.say(0.5, question, ANN)
    bob_s = stage.say(end_s + 0.2, remark, BOB)
    run_in_virtual_time(stage.play(bob_s + 8))
    (exchange,) = stage.exchanges()
    assert exchange.speaker == "Bob"
    assert stage.audible()[0][0] - bob_s < 3.5


def test_words_that_come_late_are_answered_all_the_same(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    ear = HearsClips([question, remark])
    first, second = ServiceOf(ear, [6.0]), ServiceOf(ear, [0.1])
    stage.hears = BySpeaker(question, first, second)  # type: ignore[assignment]
    end_s = stage.say(0.5, question, ANN)
    stage.say(end_s + 0.2, remark, BOB)
    run_in_virtual_time(stage.play(end_s + 20))
    assert [exchange.speaker for exchange in stage.exchanges()] == ["Bob", "Ann"]
    assert stage.exchanges()[1].heard == question.text


@dataclass
class ServiceOf:
    """Hears what ``ear`` hears after each of ``delays_s``; the last one holds for all that follow."""

    ear: HearsClips
    delays_s: list[float]
    name: str = "service"

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        await asyncio.sleep(self.delays_s.pop(0) if len(self.delays_s) > 1 else self.delays_s[0])
        return await self.ear.transcribe(pcm, language)

    async def close(self) -> None: ...


@dataclass
class BySpeaker:
    """One engine for what has the words of a clip in it, another for the rest."""

    clip: Clip
    one: ServiceOf
    other: ServiceOf
    name: str = "two engines"

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return await (self.one if self.clip.words_in(pcm) else self.other).transcribe(pcm, language)

    async def close(self) -> None: ...


def test_a_speech_service_that_hangs_is_asked_again_and_then_replaced_and_both_can_be_counted(question: Clip) -> None:
    stage = Stage([question], manners=replace(Manners(), pauses=PauseRules(end_s=0.7)))
    hangs, local = ServiceOf(HearsClips([question]), [NEVER_S]), ServiceOf(HearsClips([question]), [0.1], name="local")
    stage.hears = FallbackSpeechToText([HedgedSpeechToText(hangs, 1.0), local], 4.0)  # type: ignore[assignment]
    end_s = stage.say(0.5, question)
    run_in_virtual_time(stage.play(end_s + 12))
    assert len(stage.exchanges()) == 1
    retried = [event for event in stage.happened if isinstance(event, events.EngineRetried)]
    replaced = [event for event in stage.happened if isinstance(event, events.EngineReplaced)]
    assert {(event.part, event.engine, event.what) for event in retried} == {("hearing", "service", "Nothing came within 1 s.")}
    assert [(event.part, event.engine, event.by) for event in replaced] == [("hearing", "service", "local")]
    assert stage.of(events.EngineFailed) == []
    assert all(event.chat_id == -100 for event in [*retried, *replaced])


def test_who_is_alone_with_a_deaf_bot_is_asked_to_repeat_once(question: Clip) -> None:
    stage = Stage([question])
    stage.hears.failure = EngineError("The speech service broke.")
    at_s = 0.5
    for _ in range(3):
        at_s = stage.say(at_s, question) + 8.0
    run_in_virtual_time(stage.play(at_s))
    assert said_unasked(stage) == [UNHEARD]
    assert failed_parts(stage) == ["hearing"] * 3
    assert [each.reply for each in stage.exchanges() if each.reply_heard] == [], "a reply begun on what was glimpsed is never heard"


def test_when_hearing_works_again_the_next_trouble_is_excused_again(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    stage.hears = HearsBadly([question, remark], unsure_of="disposed")
    at_s = 0.5
    for clip in (question, question, remark, question):
        at_s = stage.say(at_s, clip) + 8.0
    run_in_virtual_time(stage.play(at_s))
    assert said_unasked(stage) == [UNHEARD] * 2
    assert [exchange.heard for exchange in stage.exchanges()] == [remark.text]


def test_among_several_nobody_is_asked_to_repeat_what_may_not_have_been_for_the_bot(question: Clip) -> None:
    stage = Stage([question], manners=replace(Manners(), addressing=AddressingRules(mode=Mode.ADDRESSED)))
    stage.hears.failure = EngineError("The speech service broke.")
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    assert said_unasked(stage) == []
    assert failed_parts(stage) == ["hearing"]


def test_words_that_the_engine_is_unsure_of_never_reach_the_brain(question: Clip, remark: Clip) -> None:
    long_clip = Clip(*clip_named("lv_0870"))
    stage = Stage([question, remark, long_clip], manners=replace(Manners(), pauses=PauseRules(end_s=1.5)))
    stage.hears = HearsBadly([question, remark, long_clip], unsure_of="power", glimpsed=None)
    at_s = stage.say(0.5, long_clip)
    at_s = stage.say(at_s + 0.5, question) + 8.0
    at_s = stage.say(at_s, remark) + 8.0
    run_in_virtual_time(stage.play(at_s))
    assert stage.thinks.asked
    told = " ".join(message.text for messages in stage.thinks.asked for message in messages)
    assert "power" in long_clip.text.split()
    assert "power" not in told.split()
    assert remark.text in told


def test_a_long_turn_whose_end_is_not_understood_is_answered_as_far_as_it_was(question: Clip) -> None:
    long_clip = Clip(*clip_named("lv_0870"))
    stage = Stage([long_clip, question], manners=replace(Manners(), pauses=PauseRules(end_s=1.5)))
    stage.hears = HearsBadly([long_clip, question], unsure_of="disposed")
    at_s = stage.say(0.5, long_clip)
    stage.say(at_s + 0.5, question)
    run_in_virtual_time(stage.play(at_s + 14))
    (exchange,) = stage.exchanges()
    assert exchange.heard in long_clip.text
    assert len(exchange.heard.split()) >= len(long_clip.text.split()) - 2


# ---- thinking


@dataclass
class Thinks:
    """Waits, and answers or breaks, once for each of ``delays_s`` (negative: breaks at once); the last one holds for all that follow."""

    delays_s: list[float]
    text: str = "Yes. It is so."
    name: str = "service"
    asked: int = 0

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None: ...

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        delay_s = self.delays_s[min(self.asked, len(self.delays_s) - 1)]
        self.asked += 1
        if delay_s < 0:
            raise EngineError("The service broke.")
        await asyncio.sleep(delay_s)
        yield self.text

    async def close(self) -> None: ...


def hedged(brain: Brain) -> Brain:
    return BrainWithDeadlines(HedgedBrain(brain, 1.0), first_token_s=4.0, total_s=45.0)


def play_with(stage: Stage, brain: Brain, seconds: float) -> None:
    stage.thinks = brain  # type: ignore[assignment]
    stage.hears.glimpsed = None
    run_in_virtual_time(stage.play(seconds))


def test_a_brain_that_hangs_once_costs_a_second(question: Clip) -> None:
    stage = Stage([question])
    end_s = stage.say(0.5, question)
    play_with(stage, hedged(Thinks([NEVER_S, 0.2])), end_s + 8)
    (exchange,) = stage.exchanges()
    assert exchange.reply_heard == "Yes. It is so."
    assert stage.audible()[0][0] - end_s < 2.0
    assert [type(event) for event in stage.happened if isinstance(event, events.EngineRetried | events.EngineFailed)] == [
        events.EngineRetried
    ]


def test_a_brain_that_is_gone_is_replaced_without_a_word_about_it(question: Clip, remark: Clip) -> None:
    stage = Stage([question, remark])
    gone, other = Thinks([-1.0]), Thinks([0.2], text="I am the other one.", name="other")
    end_s = stage.say(0.5, question)
    end_s = stage.say(end_s + 7, remark)
    play_with(stage, FallbackBrain([hedged(gone), other]), end_s + 8)
    assert [exchange.reply_heard for exchange in stage.exchanges()] == ["I am the other one."] * 2
    assert stage.of(events.EngineFailed) == []
    assert next(event.by for event in stage.happened if isinstance(event, events.EngineReplaced)) == "other"


def test_when_no_brain_answers_that_is_said_once_for_each_trouble(question: Clip) -> None:
    stage = Stage([question])
    at_s = 0.5
    for _ in range(5):
        at_s = stage.say(at_s, question) + 9.0
    play_with(stage, Thinks([-1.0, -1.0, 0.2, -1.0]), at_s)
    answers = [exchange.reply_heard for exchange in stage.exchanges()]
    assert answers == [UNREACHABLE, "", "Yes. It is so.", UNREACHABLE, ""]
    assert failed_parts(stage) == ["thinking"] * 4


# ---- excuses


def test_excuses_are_made_in_the_language_of_the_call() -> None:
    assert all(len(set(excuses_in(language))) == 2 for language in ("en", "es", "ca", "ru"))
    assert excuses_in("es") != excuses_in("en") == excuses_in("fi") == (UNREACHABLE, UNHEARD)


def test_a_reply_that_breaks_off_in_the_middle_needs_no_excuse_and_is_a_trouble() -> None:
    excuses = Excuses()
    assert excuses.for_thinking("en", failed=True, answered=True) == ""
    assert excuses.for_thinking("en", failed=True, answered=False) == ""
    assert excuses.for_thinking("en", failed=False, answered=True) == ""
    assert excuses.for_thinking("en", failed=True, answered=False) == UNREACHABLE
