"""What one person hears of the others: every frame with the time it arrived, and the sound on one timeline.

Times are of the monotonic clock, which all processes of one machine share. A frame that arrives at ``t`` sounds from ``t`` on.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, FRAME_MS, HEARING_RATE_HZ, as_samples

AUDIBLE_PEAK: Final = 300
"""A sample at least this far from zero is heard; coded silence stays far below."""
HOLD_MS: Final = 300
"""A pause no longer than this is still the same stretch of sound."""
KEPT_FRAMES: Final = 60 * 60 * 100
"""One hour of sound; older frames are forgotten."""
JITTER_S: Final = 0.08
"""A frame that comes this much late or early still follows on its predecessor."""
LAG_S: Final = 0.02
"""Sound placed more than this behind its arrival catches up in the next silence."""


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """10 ms of sound (16 kHz): when it arrived, the loudest sample, and where its first sample stands on the ear's timeline.

    ``audible_before`` counts the audible frames before it.
    """

    at_s: float
    pcm: bytes
    peak: int
    position: int
    audible_before: int = 0

    @property
    def audible(self) -> bool:
        """Whether any sample is heard."""
        return self.peak >= AUDIBLE_PEAK


class Ear:
    """Everything heard of one participant."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._origin_s = clock()
        self._end = 0
        self._audible_frames = 0
        self._last_audible_s: float | None = None
        self.frames: list[HeardFrame] = []

    def add(self, pcm: bytes, at_s: float) -> None:
        """Take the next frame (16 kHz mono, any length), arrived at ``at_s``; frames come in order."""
        samples = as_samples(pcm)
        peak = max(int(samples.max()), -int(samples.min())) if len(samples) else 0
        frame = HeardFrame(at_s, pcm, peak, self._position(at_s, audible=peak >= AUDIBLE_PEAK), self._audible_frames)
        self.frames.append(frame)
        self._end = frame.position + len(samples)
        if frame.audible:
            self._audible_frames += 1
            self._last_audible_s = _audible_end(frame)
        if len(self.frames) > KEPT_FRAMES:
            del self.frames[: KEPT_FRAMES // 10]

    # ---- questions

    def first_audible_after(self, since_s: float) -> float | None:
        """When the first audible sample at or after ``since_s`` was heard."""
        for frame in self.frames[self._index(since_s - FRAME_MS / 1000) :]:
            if frame.audible:
                for at_s in _audible_times(frame):
                    if at_s >= since_s:
                        return at_s
        return None

    def last_audible_before(self, until_s: float) -> float | None:
        """When the last audible sample before ``until_s`` was heard."""
        for frame in reversed(self.frames[: self._index(until_s)]):
            if frame.audible:
                for at_s in reversed(_audible_times(frame)):
                    if at_s < until_s:
                        return at_s
        return None

    def audible_now(self, hold_ms: float = HOLD_MS) -> bool:
        """Whether anything was audible in the last ``hold_ms``."""
        return self._last_audible_s is not None and self._clock() - self._last_audible_s <= hold_ms / 1000

    @property
    def silent_since(self) -> float | None:
        """When the last audible sample was over; ``None`` if there was none."""
        return self._last_audible_s

    def audible_ms(self, since_s: float) -> int:
        """How much audible sound arrived since ``since_s``."""
        index = self._index(since_s)
        return FRAME_MS * (self._audible_frames - self.frames[index].audible_before) if index < len(self.frames) else 0

    def between(self, begin_s: float, end_s: float) -> bytes:
        """The sound between two times as 16 kHz PCM; silence where nothing came."""
        length = max(0, round((end_s - begin_s) * HEARING_RATE_HZ))
        first = round((begin_s - self._origin_s) * HEARING_RATE_HZ)
        timeline = np.zeros(length, dtype="<i2")
        for frame in self._frames_around(begin_s, end_s):
            samples, start = as_samples(frame.pcm), frame.position - first
            low, high = max(start, 0), min(start + len(samples), length)
            if low < high:
                timeline[low:high] = samples[low - start : high - start]
        return bytes(timeline.tobytes())

    # ---- the timeline

    def _position(self, at_s: float, *, audible: bool) -> int:
        """Follow on the last frame while the arrival merely jitters; otherwise there was a gap. A lag is taken back in silence."""
        due = round((at_s - self._origin_s) * HEARING_RATE_HZ)
        lag = self._end - due
        if not self.frames or -lag > JITTER_S * HEARING_RATE_HZ:
            return due
        if lag > LAG_S * HEARING_RATE_HZ and not audible:
            return due
        return self._end

    def _index(self, at_s: float) -> int:
        return bisect.bisect_left(self.frames, at_s, key=lambda frame: frame.at_s)

    def _frames_around(self, begin_s: float, end_s: float) -> Iterator[HeardFrame]:
        margin_s = 1.0
        yield from self.frames[self._index(begin_s - margin_s) : self._index(end_s + margin_s)]


class Hearing:
    """One person's ears for all others: sound comes by SSRC, questions are asked by user.

    Somebody who rejoins comes with a new SSRC and is heard by the same ear.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_ssrc: dict[int, Ear] = {}
        self._by_user: dict[int, Ear] = {}

    @property
    def ssrcs(self) -> frozenset[int]:
        """Everything that was heard or announced, unsigned."""
        return frozenset(self._by_ssrc)

    def ear(self, ssrc: int) -> Ear:
        """What is heard of a source (signed or unsigned)."""
        return self._by_ssrc.setdefault(_unsigned(ssrc), Ear(self._clock))

    def ear_of(self, user_id: int) -> Ear:
        """What is heard of a user, whichever his sources; empty if never heard."""
        return self._by_user.setdefault(user_id, Ear(self._clock))

    def belongs(self, ssrc: int, user_id: int) -> None:
        """Learn whose source it is. What has come of it so far goes to the user's ear."""
        ear = self.ear_of(user_id)
        stray = self._by_ssrc.get(_unsigned(ssrc))
        self._by_ssrc[_unsigned(ssrc)] = ear
        if stray is not None and stray is not ear:
            for frame in stray.frames:
                ear.add(frame.pcm, frame.at_s)

    def receive(self, frames: Iterable[tuple[int, bytes]], at_s: float) -> None:
        """Take what came at one moment: pairs of SSRC and 10 ms of sound."""
        for ssrc, pcm in frames:
            self.ear(ssrc).add(pcm, at_s)


def _unsigned(ssrc: int) -> int:
    return ssrc & 0xFFFF_FFFF


def _audible_times(frame: HeardFrame) -> list[float]:
    audible = np.flatnonzero(np.abs(as_samples(frame.pcm).astype(np.int32)) >= AUDIBLE_PEAK)
    return [frame.at_s + float(index) / HEARING_RATE_HZ for index in audible]


def _audible_end(frame: HeardFrame) -> float:
    return frame.at_s + len(frame.pcm) / BYTES_PER_SAMPLE / HEARING_RATE_HZ
