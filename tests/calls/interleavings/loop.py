"""The cheapest event loop there is: no sockets, no threads, no waiting. When nothing is ready, time jumps to the next timer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


TICK_S: Final = 1e-9
"""Timers that are no further apart run together."""


class InstantLoop(asyncio.BaseEventLoop):
    """An event loop on a clock of its own, starting at 0."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle]
        self._scheduled: list[asyncio.TimerHandle]
        self._stopping: bool
        self._now_s = 0.0

    def time(self) -> float:
        return self._now_s

    def call_soon(
        self, callback: Callable[[Unpack[Arguments]], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _run_once(self) -> None:
        """What :class:`asyncio.BaseEventLoop` does there, without the checks that only matter with threads and sockets."""
        ready, timers = self._ready, self._scheduled
        if not ready and not self._stopping:
            while timers and timers[0].cancelled():
                heappop(timers)
            if not timers:
                raise RuntimeError("everything waits for something that cannot happen any more")
            self._now_s = max(self._now_s, timers[0].when())
        while timers and timers[0].when() < self._now_s + TICK_S:
            ready.append(heappop(timers))
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()

    @property
    def busy(self) -> bool:
        """Something is ready to run without time passing."""
        return bool(self._ready)

    def _process_events(self, _events: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...


def run_instantly(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end on a loop made for it alone."""
    loop = InstantLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
