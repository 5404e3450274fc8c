"""The calls as they change, for pages that stay open: server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from control.http.access import DOORKEEPER, Access
from control.http.directory import Directory
from control.http.problems import Problem
from control.http.recent import Recent

MOST_STREAMS: Final = 100
AT_MOST_EVERY_S: Final = 0.2
LOOKED_AT_EVERY_S: Final = 2.0
"""What no event tells, such as a call that is tried again, is noticed after this time."""
BEAT_EVERY_S: Final = 15.0

Send = Callable[[str, object], Awaitable[None]]


class Live:
    """All open streams. They end when :meth:`close` is called, when the browser goes, or when the token is good no more."""

    def __init__(self, directory: Directory, recent: Recent) -> None:
        self._directory = directory
        self._recent = recent
        self._streams: set[asyncio.Task[Any]] = set()

    async def close(self, _application: web.Application) -> None:
        """End every stream."""
        streams = tuple(self._streams)
        for stream in streams:
            stream.cancel()
        if streams:
            await asyncio.wait(streams)

    async def stream(self, request: web.Request, access: Access) -> web.StreamResponse:
        """``call`` with each call that is new or has changed, ``gone`` with the id of each that has ended; ``ready`` after the first ones.

        :raises Problem: too many streams are open.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_streams", "Too many pages watch the calls.", "Close some of them.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        task = asyncio.create_task(self._tell(response))
        self._streams.add(task)
        forget = request.app[DOORKEEPER].watch(access, lambda _reason: task.cancel())
        try:
            await asyncio.wait({task})
        finally:
            forget()
            task.cancel()
            self._streams.discard(task)
            await asyncio.gather(task, return_exceptions=True)
        return response

    async def _tell(self, response: web.StreamResponse) -> None:
        async def send(event: str, data: object) -> None:
            await response.write(f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())

        loop, told = asyncio.get_running_loop(), dict[str, str]()
        with contextlib.suppress(ConnectionError):
            await self._tell_changes(told, send)
            await send("ready", {})
            beat_s = loop.time() + BEAT_EVERY_S
            async for _ in self._changes():
                await self._tell_changes(told, send)
                if loop.time() >= beat_s:
                    beat_s = loop.time() + BEAT_EVERY_S
                    await send("beat", {})

    async def _tell_changes(self, told: dict[str, str], send: Send) -> None:
        now = {call.call_id: self._directory.as_json(call) for call in self._directory.all()}
        for call_id in [known for known in told if known not in now]:
            del told[call_id]
            await send("gone", {"call_id": call_id})
        for call_id, call in now.items():
            text = json.dumps(call)
            if told.get(call_id) != text:
                told[call_id] = text
                await send("call", call)

    async def _changes(self) -> AsyncIterator[None]:
        """Comes by after something has happened, not too often, and once in a while in any case."""
        happened = asyncio.Event()
        unwatch = self._recent.watch(happened.set)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(happened.wait(), LOOKED_AT_EVERY_S)
                happened.clear()
                yield
                await asyncio.sleep(AT_MOST_EVERY_S)
        finally:
            unwatch()
