"""A language model service on loopback with OpenAI's /chat/completions: streams a given reply with fixed delays, for all systems alike."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from benchmarks.harness.script import SHORT, Delays, tokens


class StubService:
    """``PUT /reply`` sets what it answers from then on."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays
        self._reply = SHORT

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_put("/reply", self._take_reply)
        return application

    async def _take_reply(self, request: web.Request) -> web.Response:
        self._reply = await request.text()
        return web.Response()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            await self._stream(response)
        return response

    async def _stream(self, response: web.StreamResponse) -> None:
        await asyncio.sleep(self._delays.first_token_s)
        for place, word in enumerate(tokens(self._reply)):
            if place:
                await asyncio.sleep(self._delays.token_s)
            await response.write(_event({"role": "assistant", "content": word}))
        await response.write(_event({}, "stop") + b"data: [DONE]\n\n")


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return (
        b"data: "
        + json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": [choice]}).encode()
        + b"\n\n"
    )


@contextlib.asynccontextmanager
async def stub_service(delays: Delays) -> AsyncIterator[str]:
    """Its base URL, while it runs."""
    runner = web.AppRunner(StubService(delays).application())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
