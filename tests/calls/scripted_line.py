"""A line whose events a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from audio.playout import Playout
from calls.lines import HearingSink, LineEvent
from errors import LineError


@dataclass
class ScriptedLine:
    failure: LineError | None = None
    opens_after_s: float = 0.1
    opened: bool = False
    closed: int = 0
    sink: HearingSink | None = None
    waiting: asyncio.Queue[LineEvent | None] = field(default_factory=asyncio.Queue)
    description: str = "scripted line"
    voice_chat_id: int | None = 77

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        await asyncio.sleep(self.opens_after_s)
        if self.failure:
            raise self.failure
        self.sink = sink
        self.opened = True

    async def events(self) -> AsyncIterator[LineEvent]:
        while (event := await self.waiting.get()) is not None:
            yield event

    async def close(self) -> None:
        self.closed += 1


class Lines:
    """Hands out scripted lines in order, the last one again and again as copies of what ``make`` builds."""

    def __init__(self, *first: ScriptedLine, make: Callable[[], ScriptedLine] = ScriptedLine) -> None:
        self._next = list(first)
        self._make = make
        self.made: list[ScriptedLine] = []

    def __call__(self, chat_id: int = 0, title: str = "") -> ScriptedLine:
        self.made.append(self._next.pop(0) if self._next else self._make())
        return self.made[-1]
