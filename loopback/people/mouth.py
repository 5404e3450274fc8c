"""What one person says: clips in order, cut into 10 ms frames, with the times at which their first and last speech samples left."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr

from audio.pcm import BYTES_PER_SAMPLE, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples
from errors import ParleyError

SPEECH_PEAK: Final = 300
"""A sample at least this far from zero is speech; the silence before and after it is not."""
SILENCE: Final = bytes(PLAYOUT_FRAME_BYTES)


class NothingSaid(ParleyError):
    """A clip holds no audible sample, or was cut before it was said."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One clip as it was sent (24 kHz, whole frames, from ``began_s`` on) and the monotonic times of its first and last speech sample."""

    began_s: float
    pcm: bytes
    first_s: float
    last_s: float


class _Clip:
    def __init__(self, pcm: bytes) -> None:
        first, last = speech_bounds(pcm)
        self._first_byte, self._last_byte = first * BYTES_PER_SAMPLE, last * BYTES_PER_SAMPLE
        self._pcm = pcm + bytes(-len(pcm) % PLAYOUT_FRAME_BYTES)
        self._sent = 0
        self._began_s = self._first_s = self._last_s = 0.0
        self.spoken: asyncio.Future[Spoken] = asyncio.get_running_loop().create_future()

    def next_frame(self, now_s: float) -> bytes:
        """The frame that leaves at ``now_s``."""
        begin, end = self._sent, self._sent + PLAYOUT_FRAME_BYTES
        if begin == 0:
            self._began_s = now_s
        if begin <= self._first_byte < end:
            self._first_s = now_s + _offset_s(self._first_byte - begin)
        if begin <= self._last_byte < end:
            self._last_s = now_s + _offset_s(self._last_byte - begin)
        self._sent = end
        if end >= len(self._pcm) and not self.spoken.done():
            self.spoken.set_result(Spoken(self._began_s, self._pcm, self._first_s, self._last_s))
        return self._pcm[begin:end]

    @property
    def over(self) -> bool:
        return self.spoken.done()


class Mouth:
    """A queue of clips that a pacer pulls frames from; silence in between. ``said`` keeps what was said to its end."""

    def __init__(self) -> None:
        self._clips: deque[_Clip] = deque()
        self.said: list[Spoken] = []

    async def say(self, pcm: bytes, rate_hz: int = PLAYOUT_RATE_HZ) -> Spoken:
        """Say a clip (mono PCM) after those already waiting; returns when its last frame has left. Cancelling stops it.

        :raises NothingSaid: no sample of it is audible, or it was cut by :meth:`hush`.
        """
        clip = _Clip(at_playout_rate(pcm, rate_hz))
        self._clips.append(clip)
        try:
            spoken = await clip.spoken
        except asyncio.CancelledError:
            if clip in self._clips:
                self._clips.remove(clip)
            raise
        self.said.append(spoken)
        return spoken

    def next_frame(self, now_s: float) -> bytes:
        """The 10 ms (480 bytes) that leave at ``now_s``."""
        while self._clips and self._clips[0].over:
            self._clips.popleft()
        return self._clips[0].next_frame(now_s) if self._clips else SILENCE

    def hush(self, reason: str) -> None:
        """Drop what has not been said; whoever waits for it gets :class:`NothingSaid`."""
        for clip in self._clips:
            if not clip.over:
                clip.spoken.set_exception(NothingSaid(f"It was not said to its end: {reason}."))
        self._clips.clear()


def speech_bounds(pcm: bytes) -> tuple[int, int]:
    """Indexes of the first and last speech sample.

    :raises NothingSaid: there is none.
    """
    loud = np.flatnonzero(np.abs(as_samples(pcm).astype(np.int32)) >= SPEECH_PEAK)
    if not len(loud):
        raise NothingSaid("There is nothing audible in the clip.", "Check the recording or the voice engine.")
    return int(loud[0]), int(loud[-1])


def at_playout_rate(pcm: bytes, rate_hz: int) -> bytes:
    """The clip at 24 kHz."""
    if rate_hz == PLAYOUT_RATE_HZ:
        return pcm
    return bytes(soxr.resample(as_samples(pcm), rate_hz, PLAYOUT_RATE_HZ).astype("<i2").tobytes())


def _offset_s(offset_bytes: int) -> float:
    return offset_bytes / BYTES_PER_SAMPLE / PLAYOUT_RATE_HZ
