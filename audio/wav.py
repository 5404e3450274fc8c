"""16-bit PCM WAV files, one channel or two."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, as_samples
from errors import ParleyError

STEREO: Final = 2


@dataclass(frozen=True, slots=True)
class Wav:
    """A sound: interleaved 16-bit PCM, how many samples a second of each channel, and how many channels."""

    pcm: bytes
    rate_hz: int
    channels: int


def wav_bytes(pcm: bytes, rate_hz: int, channels: int = 1) -> bytes:
    """``pcm`` as a WAV file in memory."""
    file = io.BytesIO()
    _write(file, pcm, rate_hz, channels)
    return file.getvalue()


def write_wav(path: Path, pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """``pcm`` as a WAV file on disk."""
    with path.open("wb") as file:
        _write(file, pcm, rate_hz, channels)


def _write(file: BinaryIO, pcm: bytes, rate_hz: int, channels: int) -> None:
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(BYTES_PER_SAMPLE)
        wav.setframerate(rate_hz)
        wav.writeframes(pcm)


def read_wav(source: Path | bytes, *, longest_s: float = math.inf) -> Wav:
    """A 16-bit WAV file; anything else is for :func:`audio.codecs.decode`.

    :raises errors.ParleyError: missing, not a WAV file, not 16-bit, or longer than ``longest_s``, in which case it is not read.
    """
    name = "The sound" if isinstance(source, bytes) else str(source)
    try:
        with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "rb") as wav:
            if wav.getsampwidth() != BYTES_PER_SAMPLE:
                raise ParleyError(f"{name} has {wav.getsampwidth() * 8}-bit samples.", "Save it as 16-bit PCM WAV.")
            if not wav.getframerate():
                raise wave.Error("no sample rate")
            if wav.getnframes() > longest_s * wav.getframerate():
                raise ParleyError(f"{name} is longer than {longest_s / 60:g} minutes.", "Give a shorter piece of it.")
            return Wav(wav.readframes(wav.getnframes()), wav.getframerate(), wav.getnchannels())
    except (wave.Error, EOFError):
        raise ParleyError(f"{name} is not a PCM WAV file.", "Save it as 16-bit PCM WAV.") from None
    except OSError as unreadable:
        raise ParleyError(f"{name} can't be read: {unreadable.strerror}.") from None


def stereo(left: bytes, right: bytes) -> bytes:
    """Two mono sounds side by side; the shorter one is filled up with silence."""
    length = max(len(left), len(right)) // BYTES_PER_SAMPLE
    both = np.zeros((length, STEREO), "<i2")
    for channel, pcm in enumerate((left, right)):
        samples = as_samples(pcm)
        both[: len(samples), channel] = samples
    return both.tobytes()


def mono(wav: Wav) -> bytes:
    """The mean of all channels."""
    if wav.channels == 1:
        return wav.pcm
    return bytes(as_samples(wav.pcm).reshape(-1, wav.channels).mean(axis=1).astype("<i2").tobytes())
