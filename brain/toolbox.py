"""The tools of one chat, and the rules that hold whatever a model asks for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from brain.prompt import cleaned
from brain.tools import Arguments, Circumstances, Outcome, Tool, ToolCall, ToolResult

log = logging.getLogger(__name__)

LONGEST_S: Final = 10.0
"""A tool that takes longer is given up."""
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What isn't in it does not run. Make one with :meth:`for_speech`."""

    tools: tuple[Tool, ...] = ()

    @staticmethod
    def for_speech(tools: Iterable[Tool], allowed: Collection[str]) -> Toolbox:
        """Those of ``tools`` whose names are ``allowed`` and that are harmless: speech has no authority to change anything."""
        return Toolbox(tuple(tool for tool in tools if tool.name in allowed and not tool.side_effects))

    async def use(self, call: ToolCall, circumstances: Circumstances) -> ToolResult:
        """Run what ``call`` asks for, if it may be, within :data:`LONGEST_S`. Never raises but when cancelled."""
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        if tool is None:
            return _refused(f"There is no tool {call.name!r} here.")
        values = call.values
        if values is None:
            return _refused("The arguments are no JSON object.")
        if problem := problem_with(values, tool.schema):
            return _refused(problem)
        return await _ran(tool, values, circumstances)


async def _ran(tool: Tool, values: Arguments, circumstances: Circumstances) -> ToolResult:
    try:
        async with asyncio.timeout(LONGEST_S) as limit:
            return ToolResult(Outcome.DONE, cleaned(await tool.run(values, circumstances)))
    except Exception as failure:
        if limit.expired():
            return ToolResult(Outcome.TIMED_OUT, f"{tool.name} gave no answer within {LONGEST_S:g} seconds.")
        log.warning("the tool %s failed with %s; LOG_LEVEL=DEBUG tells more", tool.name, type(failure).__name__)
        log.debug("how the tool %s failed", tool.name, exc_info=True)
        return ToolResult(Outcome.FAILED, f"{tool.name} failed.")


def _refused(why: str) -> ToolResult:
    return ToolResult(Outcome.REFUSED, cleaned(why))


def problem_with(values: Arguments, schema: Arguments) -> str:
    """What is wrong with the names and the plain types of the arguments, in words for the model; empty: nothing."""
    properties: dict[str, Any] = schema.get("properties", {})
    if missing := [name for name in schema.get("required", ()) if name not in values]:
        return f"Missing: {', '.join(missing)}."
    if unknown := [name for name in values if name not in properties]:
        return f"Unknown: {', '.join(unknown)}."
    wrong = [f"{name} should be of type {properties[name]['type']}" for name in values if not _fits(values[name], properties[name])]
    return f"{'; '.join(wrong)}." if wrong else ""


def _fits(value: object, declared: Arguments) -> bool:
    kind = declared.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        return True
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
