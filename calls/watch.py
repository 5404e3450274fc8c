"""Looks after what happens by nobody's doing, often while there is something to look after and seldom while there is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from calls.beat import on_the_beat

OFTEN_S: Final = 0.05
SELDOM_S: Final = 1.0
"""Waking up costs more than looking: 20 wake-ups a second are a tenth of what a silent call alone in its process costs."""


class Watch:
    """One call's. ``look()`` looks after everything and says whether there is something to look after soon again."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """From now on there may be something to look after."""
        self._stirred.set()

    async def run(self) -> None:
        """Look until cancelled."""
        now_s = asyncio.get_running_loop().time
        while True:
            self._stirred.clear()
            if self._look():
                await asyncio.sleep(on_the_beat(now_s(), OFTEN_S) + OFTEN_S - now_s())
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SELDOM_S):
                    await self._stirred.wait()
