"""Waiting for something to become true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

POLL_S: Final = 0.005


async def until(reached: Callable[[], bool], within_s: float, clock: Callable[[], float]) -> bool:
    """Whether ``reached`` became true within ``within_s`` of ``clock``."""
    deadline_s = clock() + within_s
    while not reached():
        if clock() >= deadline_s:
            return False
        await asyncio.sleep(POLL_S)
    return True
