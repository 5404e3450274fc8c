"""Changing the sample rate of 16-bit mono PCM: a stream in pieces, or one sound at once (soxr).

A stream goes through a filter of our own, which hands on what it can at once; soxr's streams come in bursts of up to 0.1 s.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from audio.pcm import Floats, as_samples

QUALITY: Final = "HQ"
REACH: Final = 28
"""The filter looks so many samples of the lower rate ahead and back: 1.75 ms at 16 kHz. Nothing audible below 0.91 of its half."""
STEEPNESS: Final = 8.0
"""Of the Kaiser window: what lies beyond half the lower rate is 80 dB weaker."""


class Resampler:
    """One stream of sound from one rate to another; 10 ms cost about 30 µs. Not to be shared between streams."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        divisor = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._filters = _filters(self._up, self._down)
        self._width = self._filters.shape[1]
        self._held = np.zeros(self._width // 2 - 1, np.float32)
        self._place = 0

    def feed(self, pcm: bytes) -> bytes:
        """The next piece; what comes out lags by :data:`REACH` samples of the lower rate."""
        return pcm if self._up == self._down else self._take(as_samples(pcm).astype(np.float32))

    def flush(self) -> bytes:
        """The end of the stream: what still lags behind. Nothing may be fed afterwards."""
        return b"" if self._up == self._down else self._take(np.zeros(self._width // 2, np.float32))

    def _take(self, samples: Floats) -> bytes:
        held = np.concatenate((self._held, samples))
        ready = -(-max(0, (len(held) - self._width + 1) * self._up - self._place) // self._down)
        if not ready:
            self._held = held
            return b""
        places = self._place + self._down * np.arange(ready)
        windows = sliding_window_view(held, self._width)[places // self._up]
        out = np.einsum("ij,ij->i", windows, self._filters[places % self._up])
        self._place += self._down * ready
        passed = min(self._place // self._up, len(held))
        self._held = held[passed:]
        self._place -= passed * self._up
        return _as_pcm(np.clip(np.rint(out), -32768, 32767))


@cache
def _filters(up: int, down: int) -> Floats:
    """A row for each of the ``up`` places between two samples at which an output sample may lie."""
    pass_band = min(1.0, up / down)
    half = math.ceil(REACH / pass_band)
    distances = np.arange(2 * half)[None, :] - (half - 1) - np.arange(up)[:, None] / up
    window = np.i0(STEEPNESS * np.sqrt(np.clip(1 - (distances / half) ** 2, 0, None)))
    filters = np.sinc(pass_band * distances) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """A whole sound at another rate."""
    return pcm if from_hz == to_hz else _as_pcm(soxr.resample(as_samples(pcm), from_hz, to_hz, quality=QUALITY))


def _as_pcm(samples: np.ndarray) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
