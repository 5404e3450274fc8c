"""A microphone in real time: one packet every 20 ms on absolute deadlines, silence unless somebody speaks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ

PACKET_S: Final = 0.02
PACKET_BYTES: Final = round(PACKET_S * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
SILENCE: Final = bytes(PACKET_BYTES)

Push = Callable[[bytes], Awaitable[None]]


class Microphone:
    """Pushes 16 kHz mono packets. ``started_s`` and ``ended_s`` are when the first and the last sample of what was said newest were spoken,
    by schedule, on ``time.perf_counter``; ``max_lag_s`` is how late the latest packet was.
    """

    def __init__(self, push: Push) -> None:
        self.started_s = 0.0
        self.ended_s = 0.0
        self.max_lag_s = 0.0
        self._push = push
        self._packets: deque[bytes] = deque()
        self._unpadded_s = 0.0
        self._said = asyncio.Event()

    async def say(self, pcm: bytes) -> None:
        """Speak; returns when the last packet is on its way."""
        padding = -len(pcm) % PACKET_BYTES
        self._unpadded_s = padding / BYTES_PER_SAMPLE / HEARING_RATE_HZ
        padded = pcm + bytes(padding)
        self._said.clear()
        self.started_s = 0.0
        self._packets.extend(padded[start : start + PACKET_BYTES] for start in range(0, len(padded), PACKET_BYTES))
        await self._said.wait()

    async def run(self) -> None:
        """Push packets until cancelled."""
        due_s = time.perf_counter()
        while True:
            due_s += PACKET_S
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            self.max_lag_s = max(self.max_lag_s, time.perf_counter() - due_s)
            await self._push(self._next(due_s))

    def _next(self, due_s: float) -> bytes:
        if not self._packets:
            return SILENCE
        packet = self._packets.popleft()
        self.started_s = self.started_s or due_s - PACKET_S
        if not self._packets:
            self.ended_s = due_s - self._unpadded_s
            self._said.set()
        return packet
