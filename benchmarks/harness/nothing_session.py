"""The microphone alone, and nothing that hears: what the measuring itself costs. Prints JSON, see :mod:`benchmarks.harness.session`.

With ``--extra wakeful`` the process also wakes up every 10 ms, as whoever sends sound must, and does nothing.
"""

from __future__ import annotations

import asyncio
from typing import Final

from audio.pcm import FRAME_S
from benchmarks.harness.session import Ends, Setup, prompter_for, run
from benchmarks.harness.speaker import Speaker

WAKEFUL: Final = "wakeful"
_beating: list[asyncio.Task[None]] = []


async def build(setup: Setup) -> Ends:
    """A microphone into the void."""
    if setup.extra == WAKEFUL and not _beating:
        _beating.append(asyncio.create_task(_wake_up_again_and_again()))

    async def push(_packet: bytes) -> None:
        return

    return Ends(push, Speaker(), prompter_for(setup))


async def _wake_up_again_and_again() -> None:
    now_s = asyncio.get_running_loop().time
    next_s = now_s()
    while True:
        next_s += FRAME_S
        await asyncio.sleep(max(0.0, next_s - now_s()))


if __name__ == "__main__":
    asyncio.run(run("nothing", build))
