"""The cheapest event loop there is: no sockets, no threads, no waiting. When nothing is ready, time jumps to the next timer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumps:
    """Stands where the loop has its selector: it selects nothing and lets the time pass."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits for something that cannot happen any more")
        self.now_s += max(0.0, timeout)
        return []


class InstantLoop(asyncio.BaseEventLoop):
    """An event loop on a clock of its own, starting at 0."""

    def __init__(self) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle]
        self._selector = _Jumps()

    def time(self) -> float:
        return self._selector.now_s

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
