"""The formats of sound inside Parley.

All sound is signed 16-bit little-endian mono PCM in ``bytes``. Speech that is heard is 16 kHz; speech that is played is
24 kHz, the rate at which lines pull from a :class:`~audio.playout.Playout`. One frame is 10 ms.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

HEARING_RATE_HZ: Final = 16_000
PLAYOUT_RATE_HZ: Final = 24_000
FRAME_MS: Final = 10
FRAME_S: Final = FRAME_MS / 1000
BYTES_PER_SAMPLE: Final = 2
HEARING_FRAME_BYTES: Final = HEARING_RATE_HZ * FRAME_MS // 1000 * BYTES_PER_SAMPLE
PLAYOUT_FRAME_BYTES: Final = PLAYOUT_RATE_HZ * FRAME_MS // 1000 * BYTES_PER_SAMPLE

Floats = NDArray[np.float32]
Samples = NDArray[np.int16]


def as_floats(pcm: bytes) -> Floats:
    """PCM as float32 in [-1, 1)."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0


def as_samples(pcm: bytes) -> Samples:
    """PCM as a read-only int16 view, without a copy."""
    return np.frombuffer(pcm, dtype="<i2")


def loudness(pcm: bytes) -> float:
    """The root mean square of PCM, full scale 32768; 0.0 of nothing."""
    samples = as_samples(pcm).astype(np.float32)
    return math.sqrt(float(samples @ samples) / len(samples)) if len(samples) else 0.0


def from_floats(floats: Floats) -> bytes:
    """Float samples in [-1, 1] as PCM; louder ones are clipped."""
    return bytes((np.clip(floats, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())


def duration_s(pcm: bytes, rate_hz: int) -> float:
    """How long ``pcm`` plays, in seconds."""
    return len(pcm) / BYTES_PER_SAMPLE / rate_hz


def peak(pcm: bytes) -> int:
    """The largest absolute sample, 0 for no sound at all."""
    samples = as_samples(pcm)
    return int(np.abs(samples.astype(np.int32)).max()) if len(samples) else 0
