"""One call per chat: who is in a call, joining, leaving, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from calls import events
from calls.call import Call
from calls.drafting import Engines
from calls.lines import Line
from calls.manners import Manners
from calls.state import CallState
from errors import LineError

NewLine = Callable[[int, str], Line]
"""Makes a fresh line to the voice chat of (chat id, title)."""


class CallManager:
    """Holds every call of the process; an async context manager that leaves all of them at its end."""

    def __init__(self, new_line: NewLine, engines: Engines, manners: Manners, bus: events.EventBus, most_calls: int) -> None:
        self._new_line = new_line
        self._engines = engines
        self._manners = manners
        self._bus = bus
        self._most_calls = most_calls
        self._calls: dict[int, Call] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last: dict[int, CallState] = {}

    async def __aenter__(self) -> CallManager:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        async with asyncio.TaskGroup() as group:
            for chat_id in list(self._tasks):
                group.create_task(self._end(chat_id))

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        """Join the chat's voice chat; returns when Parley is in it.

        :raises errors.LineError: it could not be joined, Parley is in it already, or there are too many calls.
        """
        if chat_id in self._calls:
            raise LineError("I am already in this call.", "Send /leavecall to make me leave.")
        if len(self._calls) >= self._most_calls:
            raise LineError(
                f"I am in {len(self._calls)} calls, which is as many as I may be in at once.", "Ask me again when one of them has ended."
            )
        call = Call(chat_id, title, lambda: self._new_line(chat_id, title), self._engines, self._manners, self._bus)
        self._calls[chat_id] = call
        task = self._tasks[chat_id] = asyncio.create_task(call.run(), name=f"call {chat_id}")
        task.add_done_callback(lambda _task: self._forget(chat_id, call))
        try:
            await asyncio.shield(call.opened)
        except asyncio.CancelledError:
            await self._end(chat_id)
            raise

    async def leave(self, chat_id: int) -> bool:
        """Leave the chat's call; ``False`` when Parley is in none there. Returns when everything of it is gone."""
        if chat_id not in self._tasks:
            return False
        await self._end(chat_id)
        return True

    async def _end(self, chat_id: int) -> None:
        task = self._tasks.get(chat_id)
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def _forget(self, chat_id: int, call: Call) -> None:
        self._last[chat_id] = replace(call.state, phase=None)
        if self._calls.get(chat_id) is call:
            del self._calls[chat_id]
            del self._tasks[chat_id]

    def state(self, chat_id: int) -> CallState:
        """What is known of the chat's call, or of the last one there was."""
        call = self._calls.get(chat_id)
        return call.state if call else self._last.get(chat_id, CallState())

    @property
    def active(self) -> tuple[int, ...]:
        """The chats with a call just now."""
        return tuple(self._calls)
