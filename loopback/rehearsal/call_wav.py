"""The whole call as one stereo recording: the people left, the bot right, both as they sounded at the people's end of the line."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ, Samples, as_samples, duration_s
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken

MARGIN_S: Final = 0.5
"""Silence before the first and after the last sound."""


def stereo(spoken: Sequence[Spoken], ear: Ear) -> Samples | None:
    """Two columns at 24 kHz; ``None`` when nothing was said or heard."""
    bounds = _bounds(spoken, ear)
    if bounds is None:
        return None
    begin_s, end_s = bounds
    length = round((end_s - begin_s) * PLAYOUT_RATE_HZ)
    return np.column_stack([_people(spoken, begin_s, length), _bot(ear, begin_s, end_s, length)])


def write_wav(path: Path, samples: Samples) -> None:
    """Write two columns of samples at 24 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(PLAYOUT_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def _bounds(spoken: Sequence[Spoken], ear: Ear) -> tuple[float, float] | None:
    begins = [clip.began_s for clip in spoken] + [frame.at_s for frame in ear.frames if frame.audible][:1]
    ends = [clip.began_s + duration_s(clip.pcm, PLAYOUT_RATE_HZ) for clip in spoken]
    if ear.silent_since is not None:
        ends.append(ear.silent_since)
    return (min(begins) - MARGIN_S, max(ends) + MARGIN_S) if begins else None


def _people(spoken: Sequence[Spoken], begin_s: float, length: int) -> Samples:
    total = np.zeros(length, dtype=np.int32)
    for clip in spoken:
        samples = as_samples(clip.pcm)
        start = round((clip.began_s - begin_s) * PLAYOUT_RATE_HZ)
        total[start : start + len(samples)] += samples[: length - start]
    return np.clip(total, -32768, 32767).astype(np.int16)


def _bot(ear: Ear, begin_s: float, end_s: float, length: int) -> Samples:
    heard = soxr.resample(as_samples(ear.between(begin_s, end_s)), HEARING_RATE_HZ, PLAYOUT_RATE_HZ)
    fitted = np.zeros(length, dtype=np.int16)
    fitted[: len(heard)] = heard[:length]
    return fitted
