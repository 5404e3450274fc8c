"""One clock for everybody who talks: every 10 ms each open mouth gives one frame to its call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from audio.pcm import FRAME_S
from loopback.people.mouth import Mouth

log = logging.getLogger(__name__)

MAX_LATE_S: Final = 0.06
"""Later than this the missed frames are left out: sent in a burst they would only overflow the listeners' buffers."""

SendFrame = Callable[[bytes], Awaitable[object]]
Lost = Callable[[], None]


class Pacer:
    """Use as ``async with Pacer() as pacer``. ``late`` counts frames that were left out because the machine was too slow."""

    def __init__(self) -> None:
        self.late = 0
        self._senders: dict[Mouth, tuple[SendFrame, Lost]] = {}
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="people's pacer")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def add(self, mouth: Mouth, send: SendFrame, lost: Lost) -> None:
        """Give each frame of ``mouth`` to ``send`` from now on, until :meth:`remove`, or until ``send`` raises: then ``lost`` is called."""
        self._senders[mouth] = (send, lost)
        self._awake.set()

    def remove(self, mouth: Mouth) -> None:
        """Stop asking the mouth."""
        self._senders.pop(mouth, None)

    async def _run(self) -> None:
        while True:
            await self._awake.wait()
            due_s = time.monotonic()
            while self._senders:
                await self._tick()
                due_s = await self._next(due_s + FRAME_S)
            self._awake.clear()

    async def _next(self, due_s: float) -> float:
        """Sleep until the next frame is due; returns when that was."""
        wait_s = due_s - time.monotonic()
        if wait_s < -MAX_LATE_S:
            missed = int(-wait_s / FRAME_S)
            self.late += missed
            return due_s + missed * FRAME_S
        await asyncio.sleep(max(wait_s, 0))
        return due_s

    async def _tick(self) -> None:
        await asyncio.gather(*(self._send(mouth, send, lost) for mouth, (send, lost) in list(self._senders.items())))

    async def _send(self, mouth: Mouth, send: SendFrame, lost: Lost) -> None:
        try:
            await send(mouth.next_frame(time.monotonic()))
        except Exception as error:
            log.info("a frame could not be sent: %r", error)
            if self._senders.pop(mouth, None):
                lost()
