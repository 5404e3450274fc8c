"""The words of a reply: fixed ones, or those of a brain, which may use tools in between once the reply is wanted for certain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from brain import Brain, Message, Role
from brain.toolbox import Toolbox
from brain.tools import CUT_OFF, Circumstances, Outcome, ToolCall, ToolResult, ToolUse
from errors import EngineError

MOST_TOOLS: Final = 5
"""Tools run for one turn; what a brain asks for beyond that is refused."""
MOST_ROUNDS: Final = 7
"""So often a brain is asked in one turn: one that only ever asks for tools is given up."""
TOO_MANY: Final = ToolResult(Outcome.REFUSED, "You have used all the tools that one reply may use. Answer now with what you know.")


class Answer(Protocol):
    """Where a reply has its words from."""

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """The tools used for it so far, each with its result; what is not done yet counts as cut off."""

    def commit(self) -> None:
        """The reply is wanted for certain: from now on tools may run."""

    def drop(self) -> None:
        """The reply is not wanted any more: from this moment on no tool begins or ends, whatever its tasks do until they are cancelled."""

    def pieces(self) -> AsyncGenerator[str, None]:
        """Its words as they come. Closing the generator stops the brain and its tools.

        :raises errors.EngineError: the brain failed.
        """


class FixedAnswer:
    """Words of our own."""

    def __init__(self, text: str, uses: tuple[ToolUse, ...] = ()) -> None:
        self._text = text
        self._uses = uses

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """The tools of an answer that these words stand in for."""
        return self._uses

    def commit(self) -> None:
        """There is nothing to wait for."""

    def drop(self) -> None:
        """There is nothing to stop."""

    async def pieces(self) -> AsyncGenerator[str, None]:
        """All of it at once."""
        yield self._text


class ThoughtAnswer:
    """What ``brain`` says to ``messages``, round by round: words, tools, their results, words again.

    ``tell`` is told of each use when it is over, also when it was cut off, with the seconds it took.
    """

    def __init__(
        self,
        brain: Brain,
        messages: Sequence[Message],
        toolbox: Toolbox,
        circumstances: Callable[[], Circumstances],
        tell: Callable[[ToolUse, float], None],
    ) -> None:
        self._brain = brain
        self._messages = list(messages)
        self._toolbox = toolbox
        self._circumstances = circumstances
        self._tell = tell
        self._committed = asyncio.Event()
        self._dropped = False
        self._at_work: list[asyncio.Task[None]] = []
        self._calls: list[ToolCall] = []
        self._results: dict[int, ToolResult] = {}

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """See :class:`Answer`."""
        return tuple(ToolUse(call, self._results.get(place, CUT_OFF)) for place, call in enumerate(self._calls))

    def commit(self) -> None:
        """See :class:`Answer`."""
        self._committed.set()

    def drop(self) -> None:
        """See :class:`Answer`."""
        self._dropped = True
        for tool in self._at_work:
            tool.cancel()

    async def pieces(self) -> AsyncGenerator[str, None]:
        """See :class:`Answer`."""
        said_anything = False
        for _ in range(MOST_ROUNDS):
            said, calls = "", []
            async with aclosing(self._brain.reply(self._messages, self._toolbox.tools)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ToolCall):
                        calls.append(piece)
                        continue
                    said += piece
                    yield piece
            said_anything = said_anything or bool(said.strip())
            if not calls:
                return
            yield "\n"
            await self._committed.wait()
            if not self._dropped:
                self._messages.append(Message(Role.ASSISTANT, said, uses=await self._use(calls)))
            if self._dropped:
                return
        if not said_anything:
            raise EngineError(f"{self._brain.name} asked for tools again and again, and said nothing.")

    async def _use(self, calls: Sequence[ToolCall]) -> tuple[ToolUse, ...]:
        places = range(len(self._calls), len(self._calls) + len(calls))
        self._calls += calls
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            async with asyncio.TaskGroup() as group:
                self._at_work = [group.create_task(self._use_one(place, began_s, clock)) for place in places]
        finally:
            for place in places:
                if place not in self._results:
                    self._tell(self.uses[place], clock() - began_s)
        return self.uses[places.start :]

    async def _use_one(self, place: int, began_s: float, clock: Callable[[], float]) -> None:
        allowed = place < MOST_TOOLS
        self._results[place] = await self._toolbox.use(self._calls[place], self._circumstances()) if allowed else TOO_MANY
        self._tell(self.uses[place], clock() - began_s)
