"""Long audio in pieces that a model with a limited window can take, cut where it is quiet."""

from __future__ import annotations

from typing import Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats

SEARCHED_S: Final = 6.0
"""The quietest moment is looked for in this much before the limit."""
MOMENT_S: Final = 0.1


def split_where_quiet(audio: Floats, longest_s: float) -> list[Floats]:
    """Consecutive pieces of ``audio`` (16 kHz), each at most ``longest_s`` long; together they are all of it."""
    longest = int(longest_s * HEARING_RATE_HZ)
    pieces: list[Floats] = []
    while len(audio) > longest:
        cut = _quietest(audio[:longest], longest - int(SEARCHED_S * HEARING_RATE_HZ))
        pieces.append(audio[:cut])
        audio = audio[cut:]
    return [*pieces, audio]


def _quietest(audio: Floats, start: int) -> int:
    moment = int(MOMENT_S * HEARING_RATE_HZ)
    energy = np.convolve(np.square(audio[start:]), np.ones(moment, np.float32), mode="valid")
    return start + int(np.argmin(energy)) + moment // 2
