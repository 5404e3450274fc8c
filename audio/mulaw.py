"""μ-law (G.711), the sound of telephone networks: one byte a sample, 8 kHz. Tables, no loops: a packet of 20 ms costs about 3 µs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audio.pcm import as_samples

RATE_HZ: Final = 8_000
SILENCE: Final = b"\xff"
"""One sample of silence."""
_BIAS: Final = 0x84
_LOUDEST: Final = 32_635


def decode(codes: bytes) -> bytes:
    """16-bit PCM of μ-law."""
    return _PCM_OF[np.frombuffer(codes, np.uint8)].astype("<i2", copy=False).tobytes()


def encode(pcm: bytes) -> bytes:
    """μ-law of 16-bit PCM."""
    return bytes(_CODE_OF[as_samples(pcm).view(np.uint16)].tobytes())


def _decoding_table() -> NDArray[np.int16]:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitudes = ((((codes & 0x0F) << 3) + _BIAS) << ((codes & 0x70) >> 4)) - _BIAS
    return np.asarray(np.where(codes & 0x80, -magnitudes, magnitudes), np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitudes = np.minimum(np.abs(samples), _LOUDEST) + _BIAS
    segments = np.floor(np.log2(magnitudes)).astype(np.int32) - 7
    codes = (segments << 4) | ((magnitudes >> (segments + 3)) & 0x0F) | np.where(samples < 0, 0x80, 0)
    return np.asarray(~codes & 0xFF, np.uint8)


_PCM_OF: Final = _decoding_table()
_CODE_OF: Final = _encoding_table()
