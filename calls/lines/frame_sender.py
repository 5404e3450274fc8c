"""The last steps of a frame on its way out: a queue of at most 30 ms, emptied by one task per call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from audio.pcm import PLAYOUT_FRAME_BYTES

MOST_FRAMES_AHEAD: Final = 3
"""30 ms: what a cut cannot take back."""


class FrameSender:
    """Hands frames to ``send`` one after the other.

    A full queue shows in :attr:`has_room`; the sound then waits where it can still be cut.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.sent = 0

    @property
    def has_room(self) -> bool:
        """One more frame may be offered."""
        return len(self._frames) < MOST_FRAMES_AHEAD

    def offer(self, frame: bytes) -> None:
        """Put a frame at the end of the queue.

        :raises ValueError: the frame has not exactly 480 bytes, or there is no room.
        """
        if len(frame) != PLAYOUT_FRAME_BYTES:
            raise ValueError(f"a frame must have {PLAYOUT_FRAME_BYTES} bytes, not {len(frame)}")
        if not self.has_room:
            raise ValueError("the queue of frames is full")
        self._frames.append(frame)
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled.

        :raises Exception: the first one that ``send`` raises; nothing is sent after it.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                await self._send(self._frames[0])
                self._frames.popleft()
                self.sent += 1
