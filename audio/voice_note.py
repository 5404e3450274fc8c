"""A voice note as Telegram shows it: OGG with Opus at 48 kHz mono, how long it plays, and the picture of its loudness. Blocking."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame

from audio.codecs import SoundFileError
from audio.pcm import Samples, as_samples, duration_s
from audio.resample import resample

RATE_HZ: Final = 48_000
BITS_PER_S: Final = 32_000
OPUS_FRAME_SAMPLES: Final = 960
WAVEFORM_BARS: Final = 100
BITS_PER_BAR: Final = 5
HIGHEST_BAR: Final = 2**BITS_PER_BAR - 1
FULL_BAR_PER_MEAN: Final = 1.8
"""A peak this many times the mean of all peaks is a full bar, as in Telegram's own clients."""
QUIETEST_FULL_BAR: Final = 2500
"""Of 32767: near silence is not drawn as if it were loud."""


@dataclass(frozen=True, slots=True)
class VoiceNote:
    """What is sent. ``waveform`` is 100 bars of 5 bits, the lowest bit first, in 63 bytes."""

    ogg: bytes
    duration_s: float
    waveform: bytes


def voice_note(pcm: bytes, rate_hz: int) -> VoiceNote:
    """``pcm`` (16-bit mono) as a voice note.

    :raises audio.codecs.SoundFileError: there is no sound in it.
    """
    return VoiceNote(encode(pcm, rate_hz), duration_s(pcm, rate_hz), waveform(pcm))


def encode(pcm: bytes, rate_hz: int) -> bytes:
    """``pcm`` as OGG with Opus.

    :raises audio.codecs.SoundFileError: there is no sound to encode.
    """
    if not pcm:
        raise SoundFileError("There is no sound to make a voice note of.")
    samples = as_samples(resample(pcm, rate_hz, RATE_HZ))
    file = io.BytesIO()
    with av.open(file, mode="w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", options={"application": "voip"})
        stream.bit_rate = BITS_PER_S
        for start in range(0, len(samples), OPUS_FRAME_SAMPLES):
            frame = AudioFrame.from_ndarray(samples[None, start : start + OPUS_FRAME_SAMPLES].copy(), format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def waveform(pcm: bytes) -> bytes:
    """The loudness of 100 equal parts of the sound as Telegram packs it."""
    peaks = _peaks(as_samples(pcm))
    full = max(float(peaks.mean()) * FULL_BAR_PER_MEAN, QUIETEST_FULL_BAR)
    bars = (np.minimum(peaks / full, 1.0) * HIGHEST_BAR).astype(np.uint8)
    bits = (bars[:, None] >> np.arange(BITS_PER_BAR, dtype=np.uint8)) & 1
    return np.packbits(bits.ravel(), bitorder="little").tobytes()


def _peaks(samples: Samples) -> np.ndarray:
    parts = np.array_split(samples, WAVEFORM_BARS)
    return np.array([np.abs(part.astype(np.int32)).max(initial=0) for part in parts], dtype=np.float64)
