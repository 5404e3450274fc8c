"""A language-model service on this machine that speaks both dialects and misbehaves on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Line = str | bytes


@dataclass
class LanguageService:
    """Answers each request with ``status`` and ``lines``, one write each; ``requests`` and ``headers`` keep what was asked.

    ``hold`` leaves the stream open and silent after the lines; ``cut`` breaks the connection instead of ending the body;
    ``drop_first`` closes the first connection without any answer.
    """

    lines: Sequence[Line] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    hold: bool = False
    cut: bool = False
    drop_first: bool = False
    statuses: list[int] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        if self.drop_first and len(self.requests) == 1:
            request.transport.close()
            return web.Response()
        status = self.statuses.pop(0) if self.statuses else self.status
        response = web.StreamResponse(status=status, headers={"Content-Type": self.content_type})
        await response.prepare(request)
        try:
            await self._write(request, response)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse) -> None:
        for line in self.lines:
            await response.write(line.encode() if isinstance(line, str) else line)
            await asyncio.sleep(0)
        while self.hold:
            await response.write(b": keep-alive\n\n")
            await asyncio.sleep(0.02)
        if self.cut:
            assert request.transport is not None
            request.transport.abort()


@asynccontextmanager
async def serving(service: LanguageService) -> AsyncIterator[LanguageService]:
    application = web.Application()
    for path in ("/v1/chat/completions", "/v1/messages"):
        application.router.add_post(path, service.answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()


def event(data: Any, name: str = "") -> str:
    return (f"event: {name}\n" if name else "") + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


def openai_delta(content: Any, finish: str | None = None) -> str:
    return event({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]})


def openai_reply(*pieces: Any) -> list[str]:
    return [*(openai_delta(piece) for piece in pieces), openai_delta(None, "stop"), event("[DONE]")]


def anthropic_delta(text: str) -> str:
    return event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}, "content_block_delta")


def anthropic_reply(*pieces: str) -> list[str]:
    begin = event({"type": "message_start", "message": {"content": [], "role": "assistant"}}, "message_start")
    start = event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start")
    stop = event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}, "message_delta")
    end = event({"type": "message_stop"}, "message_stop")
    return [begin, start, event({"type": "ping"}, "ping"), *(anthropic_delta(piece) for piece in pieces), stop, end]
