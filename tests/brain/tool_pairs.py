"""Whether calls and results stand together in what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brain.engine import Message
from brain.openai_wire import wire_messages


def unpaired(messages: Sequence[Message]) -> list[str]:
    """Calls that are not directly followed by their results, and results without a call."""
    wanted: list[Any] = []
    wrong: list[str] = []
    for message in wire_messages(messages):
        if message["role"] != "tool":
            wrong += wanted
            wanted = [call["id"] for call in message.get("tool_calls", ())]
        elif message["tool_call_id"] in wanted:
            wanted.remove(message["tool_call_id"])
        else:
            wrong.append(message["tool_call_id"])
    return wrong + wanted
