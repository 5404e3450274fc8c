"""Time limits for any brain: until the first piece of a reply, and for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from brain.around import BrainAround
from brain.engine import Brain, Message, Piece
from brain.tools import Tool
from errors import EngineError


class BrainWithDeadlines(BrainAround):
    """``brain``, whose replies end with an ``EngineError`` when they are late. The time that the reader takes doesn't count."""

    def __init__(self, brain: Brain, *, first_token_s: float, total_s: float) -> None:
        super().__init__(brain)
        self._first_token_s = first_token_s
        self._total_s = total_s

    async def prefill(self, messages: Sequence[Message]) -> None:
        """See :meth:`brain.engine.Brain.prefill`; given up without an error when it takes longer than a whole reply may."""
        try:
            async with asyncio.timeout(self._total_s):
                await self._brain.prefill(messages)
        except TimeoutError:
            return

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        left_s = self._total_s
        limit_s, what = min(self._first_token_s, left_s), "begin"
        async with aclosing(self._brain.reply(messages, tools)) as pieces:
            while True:
                began_s = asyncio.get_running_loop().time()
                piece = await self._next(pieces, limit_s, what)
                left_s -= asyncio.get_running_loop().time() - began_s
                if piece is None:
                    return
                limit_s, what = left_s, "finish"
                yield piece

    async def _next(self, pieces: AsyncGenerator[Piece, None], limit_s: float, what: str) -> Piece | None:
        try:
            async with asyncio.timeout(limit_s):
                return await anext(pieces, None)
        except TimeoutError:
            allowed_s = self._first_token_s if what == "begin" else self._total_s
            raise EngineError(
                f"{self.name} did not {what} its reply within {allowed_s:g} s.",
                "If this goes on, check the service or raise BRAIN_FIRST_TOKEN_TIMEOUT_S and BRAIN_TOTAL_TIMEOUT_S.",
            ) from None
