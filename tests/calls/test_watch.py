"""Looking often while there is something to look after, and seldom while there is not."""

from __future__ import annotations

import asyncio

from calls.watch import OFTEN_S, SELDOM_S, Watch
from tests.calls.virtual_time import run_in_virtual_time


class Looker:
    """Notes when it looks; ``busy`` is what it finds."""

    def __init__(self) -> None:
        self.busy = False
        self.looked_at_s: list[float] = []

    def look(self) -> bool:
        self.looked_at_s.append(round(asyncio.get_running_loop().time(), 6))
        return self.busy


async def _looks_of(looker: Looker, watch: Watch, for_s: float) -> list[float]:
    looker.looked_at_s.clear()
    await asyncio.sleep(for_s)
    return [later - earlier for earlier, later in zip(looker.looked_at_s, looker.looked_at_s[1:], strict=False)]


def test_it_looks_seldom_often_and_seldom_again() -> None:
    async def watching() -> None:
        looker = Looker()
        watch = Watch(looker.look)
        running = asyncio.create_task(watch.run())
        assert all(abs(step - SELDOM_S) < 0.001 for step in await _looks_of(looker, watch, 4.5))
        looker.busy = True
        watch.stir()
        assert all(abs(step - OFTEN_S) < 0.001 for step in await _looks_of(looker, watch, 1.02))
        assert len(looker.looked_at_s) >= 20
        assert all(abs(at_s / OFTEN_S - round(at_s / OFTEN_S)) < 0.001 for at_s in looker.looked_at_s[1:]), "when others do"
        looker.busy = False
        assert len(await _looks_of(looker, watch, 2.5)) <= 3
        running.cancel()

    run_in_virtual_time(watching())


def test_what_stirs_is_looked_after_at_once() -> None:
    async def watching() -> None:
        looker = Looker()
        watch = Watch(looker.look)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0.5)
        looker.looked_at_s.clear()
        watch.stir()
        await asyncio.sleep(0.001)
        assert len(looker.looked_at_s) == 1
        running.cancel()

    run_in_virtual_time(watching())
