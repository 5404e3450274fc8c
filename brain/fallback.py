"""Brains in order: when one does not begin a reply, the next one answers."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from brain.around import BrainAround
from brain.budget import first_kept
from brain.engine import Brain, Message, Piece, Role, without_tools
from brain.tools import Tool
from engines import EngineOrder, Part
from errors import EngineError, ModelMissing


class FallbackBrain:
    """``brains`` in order of preference. Only the first is loaded ahead of time; the others load when they are needed."""

    def __init__(self, brains: Sequence[Brain], clock: Callable[[], float] = time.monotonic) -> None:
        self._order = EngineOrder(Part.THINKING, brains, clock)
        self._preferred = brains[0]

    @property
    def name(self) -> str:
        """The name of the preferred brain."""
        return self._preferred.name

    async def load(self) -> None:
        """Load the preferred brain; see :meth:`brain.engine.Brain.load`."""
        await self._preferred.load()

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Let the preferred brain read ahead."""
        await self._preferred.prefill(messages)

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`.

        A brain that breaks off in the middle ends the reply with its error: the next one would say something else.

        :raises errors.EngineError: no brain began a reply, or one broke off.
        """
        attempts = self._order.attempts()
        for brain in attempts:
            async with aclosing(brain.reply(messages, tools)) as pieces:
                try:
                    piece = await anext(pieces, None)
                except (EngineError, ModelMissing) as failed:
                    attempts.failed(brain, failed)
                    continue
                try:
                    while piece is not None:
                        yield piece
                        piece = await anext(pieces, None)
                except EngineError as failed:
                    self._order.failed(brain, failed)
                    raise
                self._order.worked(brain)
                return
        raise EngineError(" ".join(attempts.failures))

    async def close(self) -> None:
        """Close all brains."""
        await self._order.close()


class ShortReader(BrainAround):
    """``brain``, a small one in place of a large one: it is told the instructions and the newest ``history_tokens``, and has no tools."""

    def __init__(self, brain: Brain, history_tokens: int) -> None:
        super().__init__(brain)
        self._history_tokens = history_tokens

    async def prefill(self, messages: Sequence[Message]) -> None:
        """See :meth:`brain.engine.Brain.prefill`."""
        await self._brain.prefill(self._short(messages))

    def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        return self._brain.reply(self._short(messages))

    def _short(self, messages: Sequence[Message]) -> list[Message]:
        instructions = [message for message in messages if message.role is Role.SYSTEM]
        told = without_tools(message for message in messages if message.role is not Role.SYSTEM)
        return [*instructions, *told[first_kept(told, self._history_tokens) :]]
