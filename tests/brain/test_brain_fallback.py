"""Brains that keep silent or break: asked once more, then replaced; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from brain.budget import message_tokens
from brain.built_in_tools import BUILT_IN
from brain.choose import brain_order, choose_brain
from brain.deadlines import BrainWithDeadlines
from brain.engine import Brain, Message, Piece, Role
from brain.fallback import FallbackBrain, ShortReader
from brain.hedged import HedgedBrain
from brain.tools import Outcome, Tool, ToolCall, ToolResult, ToolUse
from config import load_settings
from engines import Remedy, Trouble, listen_to_troubles
from errors import EngineError, ModelMissing
from tests.calls.virtual_time import run_in_virtual_time

Step = float | Piece | Exception
PROMPT = [Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hello?", "Ann")]


@dataclass
class Scripted:
    """Each reply follows the next script: seconds to wait, pieces to give, errors to raise."""

    name: str
    scripts: list[list[Step]]
    asked: list[tuple[list[Message], tuple[Tool, ...]]] = field(default_factory=list)
    read_ahead: list[list[Message]] = field(default_factory=list)
    loaded: int = 0
    ended: int = 0
    closed: bool = False

    async def load(self) -> None:
        self.loaded += 1

    async def prefill(self, messages: Sequence[Message]) -> None:
        self.read_ahead.append(list(messages))

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        script = self.scripts[len(self.asked)]
        self.asked.append((list(messages), tuple(tools)))
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.ended += 1

    async def close(self) -> None:
        self.closed = True


def limited(brain: Brain) -> Brain:
    return BrainWithDeadlines(HedgedBrain(brain, 3.75), first_token_s=15.0, total_s=45.0)


async def reply_of(brain: Brain, messages: Sequence[Message] = PROMPT, tools: Sequence[Tool] = ()) -> list[Piece]:
    async with aclosing(brain.reply(messages, tools)) as pieces:
        return [piece async for piece in pieces]


def played(work: Coroutine[Any, Any, Any]) -> tuple[Any, float, list[Trouble]]:
    troubles: list[Trouble] = []

    async def listening() -> tuple[Any, float]:
        listen_to_troubles(troubles.append)
        return await work, asyncio.get_running_loop().time() - 1000

    result, seconds = run_in_virtual_time(listening())
    return result, seconds, troubles


def test_a_brain_that_hangs_once_is_asked_again_after_a_quarter_of_its_deadline() -> None:
    brain = Scripted("big", [["", 1e6], [0.5, "Yes."]])
    pieces, seconds, troubles = played(reply_of(limited(brain)))
    assert (pieces, seconds) == (["Yes."], 4.25)
    assert brain.ended == 2
    assert [(trouble.engine, trouble.remedy) for trouble in troubles] == [("big", Remedy.RETRIED)]


def test_the_wish_for_a_tool_is_an_answer() -> None:
    pieces, _seconds, troubles = played(reply_of(limited(Scripted("big", [[1.0, ToolCall("current_time")]])), tools=BUILT_IN))
    assert pieces == [ToolCall("current_time")]
    assert troubles == []


def test_a_brain_that_hangs_twice_is_replaced_at_its_deadline() -> None:
    big, small = Scripted("big", [[1e6], [1e6]]), Scripted("small", [[1.0, "Yes."], ["No."]])
    brain = FallbackBrain([limited(big), small])
    pieces, seconds, troubles = played(reply_of(brain))
    assert (pieces, seconds) == (["Yes."], 16.0)
    assert [(trouble.engine, trouble.remedy, trouble.by) for trouble in troubles] == [
        ("big", Remedy.RETRIED, ""),
        ("big", Remedy.REPLACED, "small"),
    ]
    assert played(reply_of(brain))[0] == ["No."], "who failed is spared for a while"
    assert len(big.asked) == 2


def test_a_brain_that_breaks_twice_is_replaced_at_once() -> None:
    broken = EngineError("The service fell silent.")
    brain = FallbackBrain([limited(Scripted("big", [[broken], [broken]])), Scripted("small", [["Yes."]])])
    pieces, seconds, _troubles = played(reply_of(brain))
    assert (pieces, seconds) == (["Yes."], 0.0)


def test_what_breaks_in_the_middle_is_not_answered_by_another() -> None:
    small = Scripted("small", [["No."]])
    brain = FallbackBrain([limited(Scripted("big", [["Yes, ", EngineError("It broke off.")]])), small])
    with pytest.raises(EngineError, match=r"It broke off\."):
        played(reply_of(brain))
    assert small.asked == []


def test_when_no_brain_answers_the_error_tells_of_each() -> None:
    brains = [Scripted("big", [[EngineError("Big broke.")]]), Scripted("small", [[ModelMissing("No model.")]])]
    with pytest.raises(EngineError, match=r"Big broke\. No model\."):
        played(reply_of(FallbackBrain(brains)))


def test_a_small_brain_in_place_of_a_large_one_is_told_little_and_has_no_tools() -> None:
    small = Scripted("small", [["Yes."]])
    uses = (ToolUse(ToolCall("current_time"), ToolResult(Outcome.DONE, "It is noon.")),)
    old = [Message(Role.USER, "x" * 300, "Ann"), Message(Role.ASSISTANT, "", uses=uses), Message(Role.ASSISTANT, "y" * 300)]
    reader = ShortReader(small, 600)
    assert played(reply_of(reader, [PROMPT[0], *old * 9, PROMPT[1]], BUILT_IN))[0] == ["Yes."]
    told, tools = small.asked[0]
    assert tools == ()
    assert (told[0], told[-1]) == (PROMPT[0], PROMPT[1])
    assert sum(message_tokens(message) for message in told[1:]) <= 600
    assert not any(message.uses for message in told)


async def test_only_the_preferred_brain_is_made_ready_and_all_are_closed() -> None:
    big, small = Scripted("big", []), Scripted("small", [])
    brain = FallbackBrain([HedgedBrain(big, 1.0), ShortReader(small, 600)])
    await brain.load()
    await brain.prefill(PROMPT)
    await ShortReader(small, 600).prefill(PROMPT)
    await ShortReader(small, 600).load()
    await brain.close()
    assert (big.loaded, big.read_ahead, small.read_ahead) == (1, [PROMPT], [PROMPT])
    assert big.closed
    assert small.closed
    assert brain.name == "big"


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({}, ["embedded"]),
        ({"openai_api_key": "k"}, ["openai", "embedded"]),
        ({"openai_api_key": "k", "anthropic_api_key": "k"}, ["anthropic", "openai", "embedded"]),
        ({"openai_api_key": "k", "anthropic_api_key": "k", "brain": "openai"}, ["openai", "embedded"]),
        ({"openai_api_key": "k", "brain_fallback": "none"}, ["openai"]),
        ({"openai_api_key": "k", "brain": "embedded"}, ["embedded"]),
    ],
)
def test_who_is_asked_in_which_order(settings: dict[str, Any], order: list[str], tmp_path: Path) -> None:
    model = tmp_path / "mine.gguf"
    model.write_bytes(b"x")
    assert brain_order(load_settings(None, brain_model_path=model, **settings)) == order


def test_without_a_model_on_disk_nobody_stands_behind_a_service(tmp_path: Path) -> None:
    settings = load_settings(None, openai_api_key="k", models_dir=tmp_path)
    assert brain_order(settings) == ["openai"]
    assert choose_brain(settings).name == "gpt-4o-mini at api.openai.com"
