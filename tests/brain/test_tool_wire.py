"""Tools on the wire: how calls come in both dialects, and that call and result go back as a pair."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.anthropic import AnthropicBrain, _dialogue
from brain.budget import Summary, message_tokens, to_be_covered
from brain.built_in_tools import BUILT_IN
from brain.engine import Message, Piece, Role, without_tools
from brain.openai import OpenAIBrain
from brain.openai_wire import wire_messages
from brain.prompt import prompt
from brain.summary import transcript_prompt
from brain.tools import CUT_OFF, Outcome, Tool, ToolCall, ToolResult, ToolUse
from config import load_settings
from errors import EngineError
from tests.brain.language_service import LanguageService, anthropic_delta, event, openai_delta, openai_reply, serving
from tests.brain.tool_pairs import unpaired

WHEN = [Message(Role.USER, "What time is it?", "Ann")]
NOON = ToolUse(ToolCall("current_time"), ToolResult(Outcome.DONE, "It is noon."))
BROKEN = ToolUse(ToolCall("who_is_here", "{nonsense"), CUT_OFF)
TALK = [Message(Role.SYSTEM, "Be brief."), *WHEN, Message(Role.ASSISTANT, "Let me see.", uses=(NOON, BROKEN)), Message(Role.USER, "So?")]


async def openai_asked(service: LanguageService, messages: list[Message] = WHEN, tools: tuple[Tool, ...] = BUILT_IN) -> list[Piece]:
    async with serving(service):
        brain = OpenAIBrain(load_settings(None, openai_base_url=f"{service.url}/v1"))
        try:
            return [piece async for piece in brain.reply(messages, tools)]
        finally:
            await brain.close()


async def anthropic_asked(service: LanguageService, messages: list[Message] = WHEN, tools: tuple[Tool, ...] = BUILT_IN) -> list[Piece]:
    async with serving(service):
        brain = AnthropicBrain(load_settings(None, anthropic_api_key="k", anthropic_base_url=service.url))
        try:
            return [piece async for piece in brain.reply(messages, tools)]
        finally:
            await brain.close()


def deltas(*calls: Any, finish: str = "tool_calls") -> list[str]:
    pieces = [event({"choices": [{"index": 0, "delta": {"content": None, "tool_calls": call}, "finish_reason": None}]}) for call in calls]
    return [*pieces, openai_delta(None, finish), event("[DONE]")]


def named(name: str | None = None, arguments: Any = None, **others: Any) -> list[dict[str, Any]]:
    return [{"type": None, "function": {"name": name, "arguments": arguments}, **others}]


# ---- how calls come: OpenAI and its imitators


@pytest.mark.parametrize(
    ("lines", "calls"),
    [
        pytest.param(
            deltas(
                named("weather", "", index=0, id="a"),
                named(None, '{"ci', index=0, id=None),
                None,
                [],
                [None],
                [{"index": 0, "function": None}],
                named(None, 'ty": "Rome"}', index=0),
            ),
            [ToolCall("weather", '{"city": "Rome"}')],
            id="in pieces, with nulls",
        ),
        pytest.param(
            deltas([*named("one", "{}", index=0), *named("two", "{", index=1)], named(None, "}", index=1)),
            [ToolCall("one", "{}"), ToolCall("two", "{}")],
            id="two at once",
        ),
        pytest.param(
            deltas(named("one", '{"a": 1}', id="x"), named("two", '{"b": 2}', id="y")),
            [ToolCall("one", '{"a": 1}'), ToolCall("two", '{"b": 2}')],
            id="without numbers",
        ),
        pytest.param(
            deltas(named("one", '{"a"'), named(None, ": 1}"), named("two", "{}")),
            [ToolCall("one", '{"a": 1}'), ToolCall("two", "{}")],
            id="without numbers and ids",
        ),
        pytest.param(deltas(named("one", {"a": 1}, index=0), finish="stop"), [ToolCall("one", '{"a": 1}')], id="an object"),
        pytest.param(
            deltas(named("one", '{"a"', index=0, id="x"), named("one", ": 1}", index=0, id="x")),
            [ToolCall("one", '{"a": 1}')],
            id="the name again and again",
        ),
        pytest.param(deltas(named("one", None, index=0)), [ToolCall("one", "")], id="no arguments"),
    ],
)
async def test_calls_are_understood_in_many_dialects(lines: list[str], calls: list[ToolCall]) -> None:
    assert await openai_asked(LanguageService(lines)) == calls


async def test_a_call_in_one_piece_is_understood() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "one", "arguments": "{}"}}
    whole = json.dumps({"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]})
    assert await openai_asked(LanguageService([whole], content_type="application/json")) == [ToolCall("one", "{}")]


async def test_text_before_a_call_comes_first() -> None:
    lines = [openai_delta("Let me see."), *deltas(named("one", "{}", index=0))]
    assert await openai_asked(LanguageService(lines)) == ["Let me see.", ToolCall("one", "{}")]


async def test_a_call_that_breaks_off_is_no_call() -> None:
    with pytest.raises(EngineError, match="broke off its reply"):
        await openai_asked(LanguageService(deltas(named("one", '{"a', index=0))[:1]))


async def test_who_was_offered_no_tools_gets_no_calls() -> None:
    with pytest.raises(EngineError, match="sent an empty reply"):
        await openai_asked(LanguageService(deltas(named("one", "{}", index=0))), tools=())


async def test_tools_are_declared() -> None:
    service = LanguageService(openai_reply("Noon."))
    await openai_asked(service)
    declared = service.requests[0]["tools"][0]
    assert declared["type"] == "function"
    assert declared["function"]["name"] == "current_time"
    assert declared["function"]["parameters"] == {"type": "object", "properties": {}}


async def test_without_tools_none_are_declared() -> None:
    service = LanguageService(openai_reply("Noon."))
    await openai_asked(service, TALK, ())
    assert "tools" not in service.requests[0]
    assert [message["role"] for message in service.requests[0]["messages"]] == ["system", "user", "assistant", "user"]


async def test_a_service_that_knows_no_tools_is_asked_without_them_from_then_on() -> None:
    refusal = json.dumps({"error": {"message": "this model does not support tools"}})
    service = LanguageService([refusal], statuses=[400], content_type="application/json")
    async with serving(service):
        brain = OpenAIBrain(load_settings(None, openai_base_url=f"{service.url}/v1"))
        with pytest.raises(EngineError):
            await anext(brain.reply(WHEN, BUILT_IN))
        service.lines, service.content_type = openai_reply("Hi"), "text/event-stream"
        assert [piece async for piece in brain.reply(WHEN, BUILT_IN)] == ["Hi"]
        await brain.close()
    assert ["tools" in request for request in service.requests] == [True, False, False]


# ---- how calls come: Anthropic


def block(index: int, name: str, *pieces: str) -> list[str]:
    start = {"type": "content_block_start", "index": index, "content_block": {"type": "tool_use", "id": "t", "name": name, "input": {}}}
    inputs = [{"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": it}} for it in pieces]
    return [event(start), *(event(each) for each in inputs), event({"type": "content_block_stop", "index": index})]


async def test_blocks_are_put_together() -> None:
    lines = [anthropic_delta("One moment."), *block(1, "one", "", '{"a"', ": 1}"), *block(2, "two"), event({"type": "message_stop"})]
    calls = [ToolCall("one", '{"a": 1}'), ToolCall("two", "")]
    assert await anthropic_asked(LanguageService(lines)) == ["One moment.", *calls]


async def test_a_message_in_one_piece_has_its_calls() -> None:
    whole = {"type": "message", "content": [{"type": "text", "text": "Hm."}, {"type": "tool_use", "name": "one", "input": {"a": 1}}, None]}
    service = LanguageService([json.dumps(whole)], content_type="application/json")
    assert await anthropic_asked(service) == ["Hm.", ToolCall("one", '{"a": 1}')]


async def test_tools_are_declared_to_anthropic_only_where_there_are_any() -> None:
    service = LanguageService([*block(0, "current_time"), event({"type": "message_stop"})])
    assert await anthropic_asked(service) == [ToolCall("current_time", "")]
    assert service.requests[0]["tools"][1]["input_schema"] == {"type": "object", "properties": {}}
    with pytest.raises(EngineError, match="sent an empty reply"):
        await anthropic_asked(service, TALK, ())
    assert "tools" not in service.requests[1]
    assert "tool_use" not in json.dumps(service.requests[1])


# ---- how pairs go back


def test_a_pair_goes_back_whole_to_openai() -> None:
    _system, _user, calling, first, second, _so = wire_messages(TALK)
    assert calling["content"] == "Let me see."
    assert [call["id"] for call in calling["tool_calls"]] == ["call_1", "call_2"]
    assert [call["function"] for call in calling["tool_calls"]] == [
        {"name": "current_time", "arguments": "{}"},
        {"name": "who_is_here", "arguments": "{}"},
    ]
    assert first == {"role": "tool", "tool_call_id": "call_1", "content": "It is noon."}
    assert second == {"role": "tool", "tool_call_id": "call_2", "content": CUT_OFF.text}


def test_a_pair_goes_back_whole_to_anthropic() -> None:
    _user, calling, answered = _dialogue(TALK)["messages"]
    assert [part["type"] for part in calling["content"]] == ["text", "tool_use", "tool_use"]
    assert [(part["type"], part.get("tool_use_id"), part.get("is_error")) for part in answered["content"]] == [
        ("tool_result", "call_1", False),
        ("tool_result", "call_2", True),
        ("text", None, None),
    ]


def test_who_has_no_tools_is_told_of_none() -> None:
    silent = Message(Role.ASSISTANT, "", uses=(NOON,))
    assert without_tools([*TALK, silent]) == [TALK[0], TALK[1], Message(Role.ASSISTANT, "Let me see."), TALK[3]]


def talk_of(shapes: list[tuple[int, int]]) -> list[Message]:
    history: list[Message] = []
    for size, uses in shapes:
        result = ToolResult(Outcome.DONE, "y" * size)
        history.append(Message(Role.USER, "x" * size or "x", "Ann"))
        history.append(Message(Role.ASSISTANT, "", uses=(ToolUse(ToolCall("one"), result),) * uses))
        history.append(Message(Role.ASSISTANT, "z" * size))
    return history


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), max_size=12), st.integers(30, 900))
def test_neither_budget_nor_summary_parts_a_call_from_its_result(shapes: list[tuple[int, int]], budget: int) -> None:
    history = talk_of(shapes)
    until = to_be_covered(history, None, budget)
    summary = Summary("They talked.", until) if until is not None else None
    for told in (prompt("Be brief.", history, history_tokens=budget), prompt("", history, history_tokens=budget, summary=summary)):
        assert unpaired(told) == []
        for turn in _dialogue(told)["messages"]:
            assert turn["content"]
    if until is not None:
        assert "tool_calls" not in json.dumps(wire_messages(transcript_prompt(history[:until], None, budget, "Parley")))


def test_what_was_looked_up_counts_and_is_summarised() -> None:
    assert message_tokens(TALK[2]) > message_tokens(Message(Role.ASSISTANT, "Let me see.")) + 20
    lines = transcript_prompt(TALK, None, 1000, "Parley")[1].text.splitlines()
    assert "Parley looked up current_time: “It is noon.”" in lines


def test_the_pair_survives_the_prompt() -> None:
    assert prompt("Be brief.", TALK[1:], history_tokens=1000)[2].uses == (NOON, BROKEN)
