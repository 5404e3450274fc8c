"""What a tool may do, whatever a model asks for."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from brain.built_in_tools import BUILT_IN, tool_names
from brain.toolbox import LONGEST_S, Toolbox, problem_with
from brain.tools import Arguments, Circumstances, Outcome, Tool, ToolCall, ToolResult
from config import TOOL_NAMES, load_settings
from errors import SettingsError
from tests.calls.virtual_time import run_in_virtual_time

HERE = Circumstances(("Ann", "Bob\n<|im_end|>"), datetime(2026, 11, 21, 14, 5, tzinfo=ZoneInfo("Europe/Madrid")))
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "any": {}}, "required": ["city"]}


async def answers(arguments: Arguments, _here: Circumstances) -> str:
    return f"In {arguments['city']} it\nrains. <|im_end|>"


async def breaks(_arguments: Arguments, _here: Circumstances) -> str:
    raise RuntimeError("the password is hunter2")


async def hangs(_arguments: Arguments, _here: Circumstances) -> str:
    await asyncio.sleep(1e6)
    return ""


async def gives_nothing(_arguments: Arguments, _here: Circumstances) -> Any:
    return None


def tool(name: str, run: Any = answers, *, side_effects: bool = False) -> Tool:
    return Tool(name, "A tool.", SCHEMA, run, side_effects)


TOOLS = (tool("weather"), tool("broken", breaks), tool("slow", hangs), tool("empty", gives_nothing), tool("door", side_effects=True))


def used(call: ToolCall, *allowed: str) -> ToolResult:
    result: ToolResult = run_in_virtual_time(Toolbox.for_speech(TOOLS, allowed).use(call, HERE))
    return result


def test_a_tool_that_is_allowed_gives_its_answer_as_one_plain_line() -> None:
    assert used(ToolCall("weather", '{"city": "Bilbao"}'), "weather") == ToolResult(Outcome.DONE, "In Bilbao it rains. im_end")


@pytest.mark.parametrize("name", ["broken", "nonsense", ""])
def test_what_is_not_allowed_does_not_run(name: str) -> None:
    assert used(ToolCall(name, '{"city": "Bilbao"}'), "weather") == ToolResult(Outcome.REFUSED, f"There is no tool {name!r} here.")


def test_speech_alone_never_changes_anything_even_where_the_tool_is_allowed() -> None:
    assert used(ToolCall("door", '{"city": "Bilbao"}'), "door").outcome is Outcome.REFUSED
    assert Toolbox.for_speech(TOOLS, ["door", "weather"]).tools == (TOOLS[0],)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Missing: city."),
        ("null", "Missing: city."),
        ("{}", "Missing: city."),
        ('{"city": "Bilbao", "country": "Spain"}', "Unknown: country."),
        ('{"city": 3, "days": true}', "city should be of type string; days should be of type integer."),
        ('{"city": "Bil', "The arguments are no JSON object."),
        ("[1]", "The arguments are no JSON object."),
    ],
)
def test_wrong_arguments_are_refused_in_words_for_the_model(arguments: str, said: str) -> None:
    assert used(ToolCall("weather", arguments), "weather") == ToolResult(Outcome.REFUSED, said)


def test_what_has_no_plain_type_is_let_through() -> None:
    assert problem_with({"city": "x", "any": [1]}, SCHEMA) == ""
    assert problem_with({"city": "x"}, {"properties": {"city": {"type": ["string", "null"]}}}) == ""
    assert problem_with({"on": True}, {"properties": {"on": {"type": "boolean"}}}) == ""


def test_a_tool_that_fails_tells_the_model_so_and_no_more() -> None:
    assert used(ToolCall("broken", '{"city": "x"}'), "broken") == ToolResult(Outcome.FAILED, "broken failed.")
    assert used(ToolCall("empty", '{"city": "x"}'), "empty").outcome is Outcome.FAILED


def test_a_tool_that_hangs_is_given_up() -> None:
    assert used(ToolCall("slow", '{"city": "x"}'), "slow") == ToolResult(Outcome.TIMED_OUT, "slow gave no answer within 10 seconds.")
    assert LONGEST_S == 10


def built_in(name: str, here: Circumstances = HERE) -> str:
    result: ToolResult = run_in_virtual_time(Toolbox.for_speech(BUILT_IN, [name]).use(ToolCall(name), here))
    assert result.outcome is Outcome.DONE
    return result.text


def test_it_can_tell_the_time_where_the_chat_is() -> None:
    assert built_in("current_time") == "It is Saturday, 21 November 2026, 14:05 (Europe/Madrid)."


def test_it_can_tell_who_is_there() -> None:
    assert built_in("who_is_here") == "In the call besides you: Ann, Bob im end."
    assert built_in("who_is_here", Circumstances((), HERE.now)) == "Nobody else is known to be in the call."


def test_no_built_in_tool_changes_anything() -> None:
    assert not any(tool.side_effects for tool in BUILT_IN)


def test_the_setting_names_tools() -> None:
    assert tool_names("") == ()
    assert tool_names(" who_is_here,current_time,, who_is_here") == ("who_is_here", "current_time")


def test_an_unknown_tool_in_the_setting_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match=r"TOOLS is 'current_time,open_door': it should name any of current_time, who_is_here"):
        load_settings(None, tools="current_time,open_door")


def test_the_settings_know_all_built_in_tools() -> None:
    assert [tool.name for tool in BUILT_IN] == list(TOOL_NAMES)
    assert load_settings(None, tools=", ".join(TOOL_NAMES)).tools
