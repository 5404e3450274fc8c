"""All who speak in a call, for a while, in one sound."""

from __future__ import annotations

import asyncio

import numpy as np

from audio.pcm import HEARING_RATE_HZ, as_samples
from calls.call import Call
from calls.lines import Participant


class Capture:
    """Mixes frames (10 ms, 16 kHz mono) of ``seconds`` as they come; ``clock_s`` is when the first of them begins."""

    def __init__(self, seconds: float, began_s: float) -> None:
        self._mixed = np.zeros(round(seconds * HEARING_RATE_HZ), dtype=np.int32)
        self._began_s = began_s
        self._next: dict[int, int] = {}

    def add(self, participant: Participant, frame: bytes, now_s: float) -> None:
        """Somebody's next frame; one that comes after a pause is put where it belongs."""
        samples = as_samples(frame)
        came = round((now_s - self._began_s) * HEARING_RATE_HZ)
        start = max(self._next.get(participant.id, 0), came - len(samples))
        piece = self._mixed[start : start + len(samples)]
        piece += samples[: len(piece)].astype(np.int32)
        self._next[participant.id] = start + len(samples)

    @property
    def pcm(self) -> bytes:
        """What was heard: 16-bit mono at 16 kHz, silence where nobody spoke."""
        return bytes(np.clip(self._mixed, -32768, 32767).astype("<i2").tobytes())


async def captured(call: Call, seconds: float) -> bytes:
    """What is heard in a call from now on, for so long. Who has opted out is not in it."""
    clock = asyncio.get_running_loop().time
    capture = Capture(seconds, clock())
    stop = call.listen(lambda participant, frame: capture.add(participant, frame, clock()))
    try:
        await asyncio.sleep(seconds)
    finally:
        stop()
    return capture.pcm
