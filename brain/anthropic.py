"""Anthropic's Messages API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import count, groupby
from typing import Any, Final

from brain.engine import Message, Piece, Role, without_tools
from brain.sse import StreamingService
from brain.tools import Outcome, Tool, ToolCall
from config import Settings
from errors import EngineError

API_VERSION: Final = "2023-06-01"
REPLY_TOKENS: Final = 300
_CALL_BEGINS: Final = "(The call begins.)"

Json = dict[str, Any]


class AnthropicBrain:
    """Streams replies from Anthropic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = settings.anthropic_api_key
        self._service = StreamingService(
            "Anthropic",
            settings.anthropic_base_url,
            {"anthropic-version": API_VERSION} | ({"x-api-key": key.get_secret_value()} if key else {}),
            settings_prefix="ANTHROPIC",
            silence_timeout_s=settings.brain_total_timeout_s,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self._settings.anthropic_model

    async def load(self) -> None:
        """Check the settings; the service itself is met at the first reply.

        :raises EngineError: there is no key.
        """
        if self._settings.anthropic_api_key is None:
            raise EngineError("Anthropic needs a key and ANTHROPIC_API_KEY is not set.", "Set it, or choose another brain with BRAIN.")

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Do nothing: the service keeps its own caches."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        body: Json = {"model": self._settings.anthropic_model, "max_tokens": REPLY_TOKENS, "stream": True}
        body |= _dialogue(messages if tools else without_tools(messages))
        if tools:
            body["tools"] = _declared(tools)
        wanted = ToolBlocks()
        said = ended = False
        async with aclosing(self._service.stream("/v1/messages", body)) as events:
            async for event in events:
                ended = ended or event.get("type") in ("message_stop", "message")
                wanted.take(event)
                if piece := _text(event):
                    said = True
                    yield piece
        if not ended:
            raise self._service.failed("broke off its reply.")
        calls = wanted.calls if tools else []
        if not said and not calls:
            raise self._service.failed("sent an empty reply.")
        for call in calls:
            yield call

    async def close(self) -> None:
        """Close all connections."""
        await self._service.close()


def _dialogue(messages: Sequence[Message]) -> Json:
    """The messages as the API wants them: instructions apart, the user first, speakers in turn, no message empty.

    The results of tools are the user's to give, directly after the message that called them.
    """
    instructions = "\n".join(message.text for message in messages if message.role is Role.SYSTEM)
    numbers = count(1)
    spoken = [part for message in messages if message.role is not Role.SYSTEM for part in _parts(message, numbers)]
    turns = [
        {"role": role, "content": _content([block for _role, block in parts])} for role, parts in groupby(spoken, lambda part: part[0])
    ]
    if not turns or turns[0]["role"] != str(Role.USER):
        turns.insert(0, {"role": str(Role.USER), "content": _CALL_BEGINS})
    return {"system": instructions, "messages": turns} if instructions else {"messages": turns}


def _parts(message: Message, numbers: Iterator[int]) -> Iterator[tuple[str, Json]]:
    if message.text.strip():
        yield str(message.role), {"type": "text", "text": message.text.strip()}
    named = [(f"call_{next(numbers)}", use) for use in message.uses]
    for name, use in named:
        yield str(Role.ASSISTANT), {"type": "tool_use", "id": name, "name": use.call.name, "input": use.call.values or {}}
    for name, use in named:
        failed = use.result.outcome is not Outcome.DONE
        yield str(Role.USER), {"type": "tool_result", "tool_use_id": name, "content": use.result.text, "is_error": failed}


def _content(blocks: list[Json]) -> str | list[Json]:
    """Text alone is one text."""
    if all(block["type"] == "text" for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    return blocks


def _declared(tools: Sequence[Tool]) -> list[Json]:
    return [{"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)} for tool in tools]


def _text(event: Json) -> str:
    delta = event.get("delta")
    parts = [delta] if isinstance(delta, dict) and event.get("type") == "content_block_delta" else event.get("content")
    texts = (part.get("text") for part in parts or () if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


class ToolBlocks:
    """The tool calls of a reply: a block begins with the name, and its input follows in pieces of JSON, or is there at once."""

    def __init__(self) -> None:
        self._names: dict[object, str] = {}
        self._inputs: dict[object, str] = {}

    def take(self, event: Json) -> None:
        """Take the next event."""
        match event:
            case {"type": "content_block_start", "content_block": dict() as block}:
                self._begin(event.get("index"), block)
            case {"type": "content_block_delta", "delta": {"partial_json": str() as piece}}:
                self._inputs[event.get("index")] = self._inputs.get(event.get("index"), "") + piece
            case {"type": "message", "content": list() as blocks}:
                for index, block in enumerate(blocks):
                    self._begin(index, block if isinstance(block, dict) else {})

    def _begin(self, index: object, block: Json) -> None:
        name, given = block.get("name"), block.get("input")
        if block.get("type") == "tool_use" and isinstance(name, str):
            self._names[index] = name
            if isinstance(given, dict) and given:
                self._inputs[index] = json.dumps(given)

    @property
    def calls(self) -> list[ToolCall]:
        """All calls so far, in order."""
        return [ToolCall(name, self._inputs.get(index, "")) for index, name in self._names.items()]
