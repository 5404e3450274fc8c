"""A speaker that remembers what it played, and when, to the sample."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, PLAYOUT_FRAME_BYTES, as_samples, loudness
from benchmarks.harness.sounds import AUDIBLE_PEAK

QUIETER: Final = 0.6
"""Of the loudness before (-4.4 dB): from here on the sound counts as ducked."""


@dataclass(slots=True)
class Sound:
    """One audible piece of what was played, from its first audible sample to its last, on ``time.perf_counter``."""

    begin_s: float
    end_s: float
    loudness: float
    """Root mean square in between."""


class Speaker:
    """Takes sound with the time at which it begins to be heard."""

    def __init__(self) -> None:
        self.recorded: list[bytes] | None = None
        """10 ms frames (24 kHz) while it records."""
        self._sounds: list[Sound] = []
        self._unread: list[tuple[bytes, int, float]] = []
        self._heard = asyncio.Event()

    def play(self, pcm: bytes, rate_hz: int, begin_s: float) -> None:
        """``pcm`` is heard from ``begin_s`` on."""
        if self.recorded is not None:
            self.recorded += [pcm[start : start + PLAYOUT_FRAME_BYTES] for start in range(0, len(pcm), PLAYOUT_FRAME_BYTES)]
        if pcm.count(0) < len(pcm):
            self._unread.append((pcm, rate_hz, begin_s))
            self._heard.set()

    @property
    def sounds(self) -> list[Sound]:
        """What was audible, looked for when somebody asks: together the frames cost a fraction of what they cost one by one."""
        for pcm, rate_hz, begin_s in self._unread:
            if sound := _audible(pcm, rate_hz, begin_s):
                self._sounds.append(sound)
        self._unread.clear()
        return self._sounds

    def cut(self, at_s: float) -> None:
        """What had been taken and would be heard after ``at_s`` is not heard."""
        sounds = self.sounds
        while sounds and sounds[-1].begin_s >= at_s:
            sounds.pop()
        if sounds:
            sounds[-1].end_s = min(sounds[-1].end_s, at_s)

    async def first_after(self, at_s: float, timeout_s: float = 8.0) -> float:
        """When the first sound after ``at_s`` begins, as soon as there is one; NaN if there is none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for sound in self.sounds:
                        if sound.begin_s >= at_s:
                            return sound.begin_s
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return math.nan

    def last_before(self, at_s: float) -> float:
        """The end of the last sound that begins before ``at_s``; NaN if there is none."""
        return max((sound.end_s for sound in self.sounds if sound.begin_s < at_s), default=math.nan)

    def quieter_after(self, at_s: float) -> float:
        """When, after ``at_s``, it became plainly quieter than it was, or silent; NaN if it had not sounded."""
        sounds = self.sounds
        before = [sound for sound in sounds if sound.begin_s < at_s]
        if not before:
            return math.nan
        last = before[-1]
        for sound in sounds[len(before) :]:
            if sound.loudness < QUIETER * before[-1].loudness:
                return sound.begin_s
            last = sound
        return last.end_s

    async def quiet(self, for_s: float = 1.0) -> None:
        """Wait until nothing has sounded for so long."""
        while self.sounds and (left_s := self.sounds[-1].end_s + for_s - time.perf_counter()) > 0:  # noqa: ASYNC110 - silence has no event
            await asyncio.sleep(left_s)


def _audible(pcm: bytes, rate_hz: int, begin_s: float) -> Sound | None:
    samples = as_samples(pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE]).astype(np.int32)
    places = np.flatnonzero(np.abs(samples) > AUDIBLE_PEAK)
    if not len(places):
        return None
    first, end = int(places[0]), int(places[-1]) + 1
    audible = pcm[first * BYTES_PER_SAMPLE : end * BYTES_PER_SAMPLE]
    return Sound(begin_s + first / rate_hz, begin_s + end / rate_hz, loudness(audible))


class PacedSpeaker:
    """In front of a :class:`Speaker`: takes sound as fast as it comes and plays it in real time, at most ``ahead_s`` before the ear."""

    def __init__(self, speaker: Speaker, ahead_s: float = 0.0) -> None:
        self._speaker = speaker
        self._ahead_s = ahead_s
        self._until_s = 0.0

    @property
    def until_s(self) -> float:
        """When the last sound that was taken will have been heard."""
        return self._until_s

    async def play(self, pcm: bytes, rate_hz: int) -> float:
        """Returns when more may come; gives the time at which ``pcm`` begins to be heard."""
        now_s = time.perf_counter()
        begin_s = max(now_s, self._until_s)
        self._until_s = begin_s + len(pcm) / BYTES_PER_SAMPLE / rate_hz
        self._speaker.play(pcm, rate_hz, begin_s)
        free_s = self._until_s - self._ahead_s if self._ahead_s else begin_s
        await asyncio.sleep(max(0.0, free_s - now_s))
        return begin_s

    def cut(self) -> None:
        """Forget what is not heard yet."""
        now_s = time.perf_counter()
        self._until_s = min(self._until_s, now_s)
        self._speaker.cut(now_s)
