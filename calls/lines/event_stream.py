"""What happens on a line, in order, on its way from callbacks to the one reader."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

import drops
from calls.lines.line import LineEvent
from drops import Drop

log = logging.getLogger(__name__)

MOST_WAITING: Final = 512
"""A reader that is further behind loses the oldest event (a call of hundreds joining at once, and nobody reading)."""


class EventStream:
    """A bounded queue that ends when it is closed."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[LineEvent | None] = asyncio.Queue(MOST_WAITING)
        self.lost = 0

    def put(self, event: LineEvent | None) -> None:
        """Add an event; None ends the stream."""
        if self._queue.full():
            self._queue.get_nowait()
            self.lost += 1
            drops.note(Drop.LINE_EVENTS)
            log.warning("events of a line are not read; %d lost", self.lost)
        self._queue.put_nowait(event)

    def close(self) -> None:
        """No more events will come; the reader gets the waiting ones first."""
        self.put(None)

    async def read(self) -> AsyncIterator[LineEvent]:
        """The events as they come, until :meth:`close`."""
        while (event := await self._queue.get()) is not None:
            yield event
        self._queue.put_nowait(None)
