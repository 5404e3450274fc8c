"""The tools that come with the house: harmless, and answered without anybody else."""

from __future__ import annotations

from typing import Final

from brain.prompt import spoken_name
from brain.tools import Arguments, Circumstances, Tool

NO_ARGUMENTS: Final = {"type": "object", "properties": {}}


async def _current_time(_arguments: Arguments, circumstances: Circumstances) -> str:
    now = circumstances.now
    zone = getattr(now.tzinfo, "key", None) or now.tzname() or "local time"
    return f"It is {now:%A}, {now.day} {now:%B %Y}, {now:%H:%M} ({zone})."


async def _who_is_here(_arguments: Arguments, circumstances: Circumstances) -> str:
    names = [spoken_name(name) for name in circumstances.present]
    return f"In the call besides you: {', '.join(names)}." if names else "Nobody else is known to be in the call."


BUILT_IN: Final = (
    Tool("current_time", "The current date and time where this chat is.", NO_ARGUMENTS, _current_time),
    Tool("who_is_here", "The names of the people who are in the call now.", NO_ARGUMENTS, _who_is_here),
)


def tool_names(listed: str) -> tuple[str, ...]:
    """The names in a list separated by commas, each once."""
    return tuple(dict.fromkeys(name for part in listed.split(",") if (name := part.strip())))
