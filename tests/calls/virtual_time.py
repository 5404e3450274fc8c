"""A loop clock that jumps: when nothing is ready, time moves to the next timer at once.

Thirty seconds of talk take milliseconds and always come out the same, because everything above the clock is the real thing and no thread
or socket is involved. A loop with nothing left to wait for raises instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self, loop_time: list[float]) -> None:
        self._inner = selectors.DefaultSelector()
        self._time = loop_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._inner.select(0)
        if ready or timeout is None or timeout <= 0:
            if timeout is None and not ready:
                raise RuntimeError("everything waits for something that cannot happen any more")
            return ready
        self._time[0] += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def close(self) -> None:
        self._inner.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own, starting at 1000 s."""

    def __init__(self) -> None:
        self._virtual_time = [1000.0]
        super().__init__(_JumpingSelector(self._virtual_time))

    def time(self) -> float:
        return self._virtual_time[0]


def run_in_virtual_time(work: Coroutine[Any, Any, Any]) -> Any:
    """Run ``work`` to its end and make sure that it left no task behind."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        result = runner.run(work)
        left = asyncio.all_tasks(runner.get_loop())
        assert not left, f"tasks left behind: {left}"
        return result
