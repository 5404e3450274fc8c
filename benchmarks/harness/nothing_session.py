"""The microphone alone, and nothing that hears: what the measuring itself costs. Prints JSON, see :mod:`benchmarks.harness.session`."""

from __future__ import annotations

import asyncio

from benchmarks.harness.session import Ends, Setup, prompter_for, run
from benchmarks.harness.speaker import Speaker


async def build(setup: Setup) -> Ends:
    """A microphone into the void."""

    async def push(_packet: bytes) -> None:
        return

    return Ends(push, Speaker(), prompter_for(setup))


if __name__ == "__main__":
    asyncio.run(run("nothing", build))
