"""Messages and tools in the words of OpenAI's /chat/completions, and what its many imitators send back, understood generously."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from brain.engine import Message
from brain.tools import Tool, ToolCall

Json = dict[str, Any]


def wire_messages(messages: Sequence[Message]) -> list[Json]:
    """Each message; one with tools used in it is followed by their results. The numbers of calls are given anew in each request."""
    numbers = count(1)
    return [wired for message in messages for wired in _wired(message, numbers)]


def _wired(message: Message, numbers: Iterator[int]) -> Iterator[Json]:
    if not message.uses:
        yield {"role": str(message.role), "content": message.text}
        return
    named = [(f"call_{next(numbers)}", use) for use in message.uses]
    yield {
        "role": str(message.role),
        "content": message.text or None,
        "tool_calls": [
            {"id": name, "type": "function", "function": {"name": use.call.name, "arguments": json.dumps(use.call.values or {})}}
            for name, use in named
        ],
    }
    yield from ({"role": "tool", "tool_call_id": name, "content": use.result.text} for name, use in named)


def wire_tools(tools: Sequence[Tool]) -> list[Json]:
    """The declarations."""
    return [
        {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)}}
        for tool in tools
    ]


def first_choice(event: Json) -> Json:
    """The first choice of an event, empty if there is none."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def content_of(choice: Json) -> str:
    """The text in a choice, empty if there is none."""
    content = _holder(choice).get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _holder(choice: Json) -> Json:
    holder = choice.get("delta") or choice.get("message") or {}
    return holder if isinstance(holder, dict) else {}


class ToolCallDeltas:
    """Tool calls as they come, piece by piece: names once or with each piece, arguments in pieces, whole, or as an object, fields null."""

    def __init__(self) -> None:
        self._names: dict[object, str] = {}
        self._arguments: dict[object, str] = {}
        self._newest: object = None

    def take(self, choice: Json) -> None:
        """Take the next piece."""
        deltas = _holder(choice).get("tool_calls")
        for delta in deltas if isinstance(deltas, list) else ():
            if isinstance(delta, dict):
                self._take(delta)

    def _take(self, delta: Json) -> None:
        function = delta.get("function")
        if not isinstance(function, dict):
            return
        key = self._newest = self._key(delta, function)
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str) and name:
            self._names[key] = name
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        if isinstance(arguments, str):
            self._arguments[key] = self._arguments.get(key, "") + arguments

    def _key(self, delta: Json, function: Json) -> object:
        """Which call it is about. Without a number, a new id or a name begins a new one, and what has neither goes on with the newest."""
        if delta.get("index") is not None:
            return delta["index"]
        if delta.get("id"):
            return delta["id"]
        return len(self._names) if function.get("name") or self._newest is None else self._newest

    @property
    def calls(self) -> list[ToolCall]:
        """All calls so far, in order; one without a name is none."""
        return [ToolCall(name, self._arguments.get(key, "")) for key, name in self._names.items()]
