"""Waiting for what happens in other tasks, threads and sockets, on a machine that may be slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

WITHIN_S = 30.0
"""Far longer than anything takes: who waits longer waits for something that does not happen."""


async def until(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait for something to become true.

    :raises TimeoutError: it has not.
    """
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for does not tell
            await asyncio.sleep(0.01)
