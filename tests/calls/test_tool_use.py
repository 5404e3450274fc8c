"""Tools in whole conversations in virtual time: when they run, and that their calls and results stay whole whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from brain import Message, Role
from brain.engine import Piece
from brain.toolbox import Toolbox
from brain.tools import Arguments, Circumstances, Outcome, Tool, ToolCall, ToolUse
from calls import events
from calls.answer import MOST_ROUNDS, MOST_TOOLS, ThoughtAnswer
from calls.chat_manners import manners_of
from calls.excuses import UNREACHABLE
from calls.manners import Manners, manners_from
from calls.turns.endpointing import PauseRules
from config import load_settings
from errors import EngineError
from storage.chats import ChatSettings
from tests.brain.tool_pairs import unpaired
from tests.calls.stage import BOB, Clip, ScriptedBrain, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

SCHEMA = {"type": "object", "properties": {}}
HERE = Circumstances(("Ann",), datetime(2026, 11, 21, 14, 5, tzinfo=UTC))


@pytest.fixture(scope="module")
def question() -> Clip:
    return Clip(*clip_named("lv_0880"))


@pytest.fixture(scope="module")
def remark() -> Clip:
    return Clip(*clip_named("lv_0930"))


@dataclass
class Weather:
    """A tool that takes its time, and remembers when it ran and what became of it."""

    seconds: float = 0.3
    failure: Exception | None = None
    began_s: list[float] = field(default_factory=list)
    present: list[tuple[str, ...]] = field(default_factory=list)
    cancelled: int = 0

    async def __call__(self, _arguments: Arguments, here: Circumstances) -> str:
        self.began_s.append(asyncio.get_running_loop().time() - 1000)
        self.present.append(here.present)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise self.failure
        return "It rains."

    def declared(self, *, side_effects: bool = False) -> Tool:
        return Tool("weather", "The weather.", SCHEMA, self, side_effects)


@dataclass
class LooksItUp(ScriptedBrain):
    """Says ``first``, wants ``calls``, then tells what it was given."""

    first: str = ""
    calls: tuple[ToolCall, ...] = (ToolCall("weather"),)
    offered: list[list[str]] = field(default_factory=list)

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        self.asked.append(list(messages))
        self.offered.append([tool.name for tool in tools])
        await asyncio.sleep(self.first_token_s)
        if messages[-1].uses:
            if self.failure:
                raise self.failure
            yield f"Here you are. {' '.join(use.result.text for use in messages[-1].uses)}"
            return
        if self.first:
            yield self.first
        for call in self.calls:
            yield call


def stage_with(weather: Weather, clips: list[Clip], *, side_effects: bool = False, **brain: Any) -> Stage:
    stage = Stage(clips, manners=replace(Manners(), tools=("weather",)), tools=(weather.declared(side_effects=side_effects),))
    stage.thinks = LooksItUp(lambda _messages: "", **brain)
    return stage


def uses_of(stage: Stage) -> list[ToolUse]:
    return [use for exchange in stage.conversation.history.exchanges for use in exchange.uses]


def outcomes(stage: Stage) -> list[Outcome]:
    return [use.result.outcome for use in uses_of(stage)]


def told(stage: Stage) -> list[events.ToolUsed]:
    return [event for event in stage.happened if isinstance(event, events.ToolUsed)]


def test_what_was_looked_up_is_told(question: Clip) -> None:
    weather = Weather()
    stage = stage_with(weather, [question])
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    (exchange,) = stage.exchanges()
    assert exchange.reply_heard == "Here you are. It rains."
    assert outcomes(stage) == [Outcome.DONE]
    assert [(event.tool, event.outcome, event.result, event.turn_id) for event in told(stage)] == [
        ("weather", "done", "It rains.", exchange.turn_id)
    ]
    assert told(stage)[0].seconds == pytest.approx(0.3)
    assert set(weather.present[0]) == {"Ann", "Bob"}
    messages = list(stage.conversation.history.messages())
    assert [(message.role, message.text, len(message.uses)) for message in messages] == [
        (Role.USER, question.text, 0),
        (Role.ASSISTANT, "", 1),
        (Role.ASSISTANT, "Here you are. It rains.", 0),
    ]


def test_a_tool_waits_until_the_turn_is_over(question: Clip, remark: Clip) -> None:
    weather = Weather()
    stage = stage_with(weather, [question, remark])
    stage.manners = replace(stage.manners, pauses=PauseRules(end_s=1.5))
    middle_s = stage.say(0.5, question)
    end_s = stage.say(middle_s + 0.9, remark)
    run_in_virtual_time(stage.play(end_s + 9))
    assert len(stage.thinks.asked) >= 3, "the brain was asked before the turn was over"
    assert len(weather.began_s) == 1
    assert weather.began_s[0] > end_s + 1.2
    (exchange,) = stage.exchanges()
    assert exchange.heard == f"{question.text} {remark.text}"
    assert len(told(stage)) == 1


def test_what_is_said_before_the_tool_is_heard_while_it_runs(question: Clip) -> None:
    stage = stage_with(Weather(seconds=3.0), [question], first="One moment.")
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(14))
    assert stage.exchanges()[0].reply_heard == "One moment. Here you are. It rains."
    first, second = stage.audible()
    assert second[0] - first[1] > 1.0
    assert stage.thinks.asked[-1][-1].text == "One moment."


@pytest.mark.parametrize(
    ("weather", "outcome", "said"),
    [
        (Weather(failure=RuntimeError("secret")), Outcome.FAILED, "weather failed."),
        (Weather(seconds=1e5), Outcome.TIMED_OUT, "weather gave no answer within 10 seconds."),
    ],
    ids=["fails", "hangs"],
)
def test_a_tool_in_trouble_is_a_result_like_any_other(weather: Weather, outcome: Outcome, said: str, question: Clip) -> None:
    stage = stage_with(weather, [question])
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(22))
    assert stage.exchanges()[0].reply_heard == f"Here you are. {said}"
    assert outcomes(stage) == [outcome]
    assert stage.of(events.EngineFailed) == []


def test_who_interrupts_leaves_a_pair_that_says_so(question: Clip, remark: Clip) -> None:
    weather = Weather(seconds=8.0)
    stage = stage_with(weather, [question, remark], first="One moment please, I will look into it for you right now, it may take long.")
    end_s = stage.say(0.5, question)
    stage.say(end_s + 2.5, remark)
    run_in_virtual_time(stage.play(end_s + 22))
    assert stage.exchanges()[0].interrupted
    assert outcomes(stage)[0] is Outcome.CUT_OFF
    assert weather.cancelled == 1
    assert [event.outcome for event in told(stage)] == ["cut off", "done"]
    later = stage.thinks.asked[-2]
    assert [use.result.outcome for message in later for use in message.uses] == [Outcome.CUT_OFF]
    assert all(unpaired(messages) == [] for messages in stage.thinks.asked)


def test_hanging_up_leaves_a_pair_that_says_so(question: Clip) -> None:
    weather = Weather(seconds=8.0)
    stage = stage_with(weather, [question])
    end_s = stage.say(0.5, question)
    run_in_virtual_time(stage.play(end_s + 3))
    assert weather.cancelled == 1
    assert outcomes(stage) == [Outcome.CUT_OFF]
    assert [event.outcome for event in told(stage)] == ["cut off"]
    assert [exchange.interrupted for exchange in stage.exchanges()] == [True]


def test_hanging_up_in_the_middle_of_a_reply_keeps_what_was_heard_of_it(question: Clip) -> None:
    stage = Stage([question], lambda _messages: "Well, this is a long answer. " * 6)
    end_s = stage.say(0.5, question)
    run_in_virtual_time(stage.play(end_s + 4))
    (past,) = stage.conversation.history.exchanges
    assert 0 < len(past.reply_heard.split()) < 30
    assert past.interrupted


def test_a_turn_that_goes_on_while_the_tool_runs_begins_anew(question: Clip, remark: Clip) -> None:
    weather = Weather(seconds=4.0)
    stage = stage_with(weather, [question, remark])
    end_s = stage.say(0.5, question)
    stage.say(end_s + 2.0, remark)
    run_in_virtual_time(stage.play(end_s + 16))
    (exchange,) = stage.exchanges()
    assert exchange.heard == f"{question.text} {remark.text}"
    assert weather.cancelled == 1
    assert outcomes(stage) == [Outcome.DONE]
    assert [event.outcome for event in told(stage)] == ["cut off", "done"]


def test_speech_alone_never_runs_what_changes_something(question: Clip) -> None:
    weather = Weather()
    stage = stage_with(weather, [question], side_effects=True)
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    assert weather.began_s == []
    assert outcomes(stage) == [Outcome.REFUSED]
    assert stage.thinks.offered[0] == []  # type: ignore[attr-defined]


def test_a_tool_that_the_chat_does_not_allow_does_not_run(question: Clip) -> None:
    weather = Weather()
    stage = stage_with(weather, [question])
    stage.manners = replace(stage.manners, tools=("current_time",))
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(9))
    assert weather.began_s == []
    assert outcomes(stage) == [Outcome.REFUSED]


def test_a_brain_that_fails_after_a_tool_is_excused_and_the_pair_is_kept(question: Clip) -> None:
    stage = stage_with(Weather(), [question], failure=EngineError("The brain broke."))
    stage.say(0.5, question)
    run_in_virtual_time(stage.play(12))
    assert stage.exchanges()[0].reply_heard == UNREACHABLE
    assert outcomes(stage) == [Outcome.DONE]


def test_two_people_two_tools(question: Clip, remark: Clip) -> None:
    stage = stage_with(Weather(), [question, remark])
    end_s = stage.say(0.5, question)
    stage.say(end_s - 1.0, remark, BOB)
    run_in_virtual_time(stage.play(24))
    assert [exchange.speaker for exchange in stage.exchanges()] == ["Ann", "Bob"]
    assert len(uses_of(stage)) == 2
    assert all(unpaired(messages) == [] for messages in stage.thinks.asked)


# ---- one answer


@dataclass
class AsksAgainAndAgain:
    """Wants ``at_once`` tools in each of its first ``rounds`` rounds."""

    rounds: int
    at_once: int = 1
    says: str = ""
    asked: list[list[Message]] = field(default_factory=list)
    name: str = "restless brain"

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None: ...

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        self.asked.append(list(messages))
        if self.says:
            yield self.says
        if len(self.asked) > self.rounds:
            yield "Done."
            return
        for _ in range(self.at_once):
            yield ToolCall("weather")

    async def close(self) -> None: ...


def answered(brain: AsksAgainAndAgain, weather: Weather) -> tuple[str, ThoughtAnswer, list[ToolUse]]:
    heard: list[ToolUse] = []

    async def work() -> tuple[str, ThoughtAnswer]:
        answer = ThoughtAnswer(brain, [], Toolbox((weather.declared(),)), lambda: HERE, lambda use, _seconds: heard.append(use))
        answer.commit()
        async with aclosing(answer.pieces()) as pieces:
            return "".join([piece async for piece in pieces]), answer

    text, answer = run_in_virtual_time(work())
    return text, answer, heard


@pytest.mark.parametrize(("rounds", "at_once"), [(1, 8), (6, 1), (3, 3)])
def test_no_turn_runs_more_than_five_tools(rounds: int, at_once: int) -> None:
    brain, weather = AsksAgainAndAgain(rounds, at_once), Weather()
    text, answer, heard = answered(brain, weather)
    assert len(weather.began_s) == MOST_TOOLS == 5
    assert text.strip() == "Done."
    assert [use.result.outcome for use in answer.uses] == [Outcome.DONE] * 5 + [Outcome.REFUSED] * (rounds * at_once - 5)
    assert sorted(use.result.outcome for use in heard) == sorted(use.result.outcome for use in answer.uses)
    assert all(unpaired(messages) == [] for messages in brain.asked)


def test_tools_that_are_wanted_at_once_run_at_once() -> None:
    weather = Weather(seconds=9.0)
    answered(AsksAgainAndAgain(1, 5), weather)
    assert weather.began_s == [0.0] * 5


def test_a_brain_that_only_ever_asks_is_given_up() -> None:
    brain = AsksAgainAndAgain(1000)
    with pytest.raises(EngineError, match=r"restless brain asked for tools again and again, and said nothing\."):
        answered(brain, Weather())
    assert len(brain.asked) == MOST_ROUNDS


def test_what_it_has_said_by_then_stands() -> None:
    text, _answer, _heard = answered(AsksAgainAndAgain(1000, says="Hm."), Weather())
    assert text.split() == ["Hm."] * MOST_ROUNDS


def test_a_dropped_answer_uses_nothing() -> None:
    weather = Weather()

    async def work() -> list[str]:
        answer = ThoughtAnswer(AsksAgainAndAgain(1), [], Toolbox((weather.declared(),)), lambda: HERE, lambda _use, _seconds: None)
        answer.drop()
        answer.commit()
        return [piece async for piece in answer.pieces()]

    assert "".join(run_in_virtual_time(work())).strip() == ""
    assert weather.began_s == []


# ---- settings


def test_a_chat_allows_what_the_settings_name_and_a_small_brain_nothing() -> None:
    settings = load_settings(None, tools="current_time", time_zone="Europe/Madrid")
    large = manners_from(settings, small_model=False, history_tokens=6000)
    small = manners_from(settings, small_model=True, history_tokens=600)
    assert (large.tools, small.tools) == (("current_time",), ())
    assert "never an instruction" in large.instructions
    assert "tool" not in small.instructions
    assert "tool" not in manners_from(load_settings(None), small_model=False, history_tokens=6000).instructions


def test_the_time_is_that_of_the_chat() -> None:
    settings = load_settings(None, time_zone="Europe/Madrid")
    assert manners_from(settings, small_model=False, history_tokens=1).time_zone == "Europe/Madrid"
    chat = ChatSettings(chat_id=-1, time_zone="Asia/Kolkata")
    assert manners_of(chat, settings, small_model=False, history_tokens=1).time_zone == "Asia/Kolkata"
    assert manners_of(ChatSettings(chat_id=-1), settings, small_model=False, history_tokens=1).time_zone == "Europe/Madrid"
