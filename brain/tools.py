"""What a model may use while it answers: the declaration of a tool, a model's wish to use one, and what came of it.

A call and its result are one object, and one message holds both. So neither a budget, nor a summary, nor an interruption can part them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a tool may know of the call: who is there besides the bot (display names), and the time in the chat's time zone."""

    present: tuple[str, ...]
    now: datetime


Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may use. ``schema`` is the JSON schema of its arguments, an object.

    ``run`` gives the result as text for the model to read; what it raises is told to the model as a failure, without its words. A tool
    with ``side_effects`` changes something outside of the call: speech alone never runs it.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    run: Callable[[Arguments, Circumstances], Awaitable[str]]
    side_effects: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model wants to use a tool; ``arguments`` is what it wrote, JSON if it knew how."""

    name: str
    arguments: str = "{}"

    @property
    def values(self) -> dict[str, Any] | None:
        """The arguments, ``None`` when they are no JSON object. None at all count as an empty object."""
        if not self.arguments.strip():
            return {}
        try:
            values = json.loads(self.arguments)
        except ValueError:
            return None
        return values if isinstance(values, dict) else {} if values is None else None


class Outcome(StrEnum):
    """What became of a call."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    REFUSED = "refused"
    """It did not run: the tool is not allowed here, does not exist, or was called wrongly or too often."""
    CUT_OFF = "cut off"
    """The turn or the call ended before it was done."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """``text`` is what the model reads."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call and its result, whole."""

    call: ToolCall
    result: ToolResult


CUT_OFF = ToolResult(Outcome.CUT_OFF, "This was cut off before it was done.")
