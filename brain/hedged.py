"""A language-model service that is asked once more when it keeps silent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from brain.around import BrainAround
from brain.engine import Brain, Message, Piece
from brain.tools import Tool, ToolCall
from engines import Part, Remedy, Trouble, hedged, tell_of_trouble


class HedgedBrain(BrainAround):
    """``brain``, asked a second time after ``after_s`` seconds without a word; the reply that begins first goes on."""

    def __init__(self, brain: Brain, after_s: float) -> None:
        super().__init__(brain)
        self._after_s = after_s

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        async with aclosing(hedged(lambda: self._brain.reply(messages, tools), self._after_s, self._tell, _says_something)) as pieces:
            async for piece in pieces:
                yield piece

    def _tell(self, why: str) -> None:
        tell_of_trouble(Trouble(Part.THINKING, self.name, why, Remedy.RETRIED))


def _says_something(piece: Piece) -> bool:
    return isinstance(piece, ToolCall) or bool(piece.strip())
