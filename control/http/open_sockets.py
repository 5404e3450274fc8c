"""The WebSockets that are open: each is told when the server stops, and has the time to take leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from aiohttp import web

LEAVING_S: Final = 4.0
"""Longer than any door takes to say good-bye to a client that does not answer."""
STOPPING: Final = "Parley is stopping."


class OpenSockets:
    """Ends them all in :meth:`close`, before the server takes its connections away from those who are still busy with them."""

    def __init__(self) -> None:
        self._stops: dict[object, Callable[[], None]] = {}
        self._left = asyncio.Event()

    @contextlib.contextmanager
    def entered(self, stop: Callable[[], None]) -> Iterator[None]:
        """A socket is open inside; ``stop`` has it end soon, and may be called while it ends anyway."""
        socket = object()
        self._stops[socket] = stop
        try:
            yield
        finally:
            del self._stops[socket]
            self._left.set()

    async def close(self, _application: web.Application) -> None:
        """End every socket; returns when all have ended, or after :data:`LEAVING_S`."""
        for stop in tuple(self._stops.values()):
            stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                while self._stops:
                    self._left.clear()
                    await self._left.wait()


OPEN_SOCKETS: Final = web.AppKey("open_sockets", OpenSockets)
