"""What is said into the microphone, and what stub voices say: tones that can be told apart again in a recording.

A word of :data:`ALPHABET` has a pitch of its own, so that a recording shows which words were heard, how often, and whether to their end.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, PLAYOUT_RATE_HZ, as_samples, loudness
from audio.wav import mono, read_wav

LOUDNESS: Final = 9000
PITCH_HZ: Final = 200.0
SECONDS_PER_CHARACTER: Final = 0.06
"""About 16 characters a second, an ordinary speaking rate."""
ALPHABET: Final = (
    *("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima", "mike"),
    *("november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "xray", "yankee", "zulu"),
)
LOWEST_WORD_HZ: Final = 400.0
WORD_STEP_HZ: Final = 60.0
AUDIBLE_PEAK: Final = 300
"""Of 16-bit samples; quieter sound counts as silence."""
QUIET_PART: Final = 0.05
"""Of a clip's own peak: what is quieter at its ends is not speech."""
SPEECH_LOUD: Final = 650
"""Of 32768, over a frame of 10 ms: a clip's first word begins here. A breath before it is audible too, and may be a quarter of a second."""
WHOLE: Final = 0.85
"""A word of which this much was heard in one stretch was heard whole (frames at its borders show two pitches)."""


def tone(seconds: float, rate_hz: int = HEARING_RATE_HZ, hz: float = PITCH_HZ) -> bytes:
    """A sine, beginning at zero."""
    phase = 2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return (np.sin(phase) * LOUDNESS).astype("<i2").tobytes()


@functools.cache
def spoken(text: str) -> bytes:
    """``text`` as a stub voice says it (24 kHz): a tone for each word, in its own pitch where it has one."""
    return b"".join(tone(SECONDS_PER_CHARACTER * (len(word) + 1), PLAYOUT_RATE_HZ, _pitch(word)) for word in text.split())


def _pitch(word: str) -> float:
    plain = word.strip(".,").lower()
    return LOWEST_WORD_HZ + WORD_STEP_HZ * ALPHABET.index(plain) if plain in ALPHABET else PITCH_HZ


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of the alphabet that was heard without a break, and whether to its end."""

    word: str
    whole: bool


def words_heard(frames: Iterable[bytes]) -> list[HeardWord]:
    """The words in the 10 ms ``frames`` (24 kHz) of a recording, in order; a word broken off and begun again is there twice."""
    heard = []
    for word, run in groupby(_word_in(frame) for frame in frames):
        if word:
            seconds = FRAME_S * len(list(run))
            heard.append(HeardWord(word, seconds >= WHOLE * SECONDS_PER_CHARACTER * (len(word) + 1)))
    return heard


def _word_in(frame: bytes) -> str:
    samples = as_samples(frame).astype(np.float64)
    if not len(samples) or np.abs(samples).max() <= AUDIBLE_PEAK:
        return ""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), PLAYOUT_RATE_HZ // 10))
    place = round((float(spectrum.argmax()) * 10 - LOWEST_WORD_HZ) / WORD_STEP_HZ)
    return ALPHABET[place] if 0 <= place < len(ALPHABET) else ""


def clip(path: Path) -> bytes:
    """The speech of a WAV file (16 kHz, 16-bit) from its first sound to its last.

    :raises errors.ParleyError: it can't be read.
    :raises ValueError: it is not 16 kHz.
    """
    wav = read_wav(path)
    if wav.rate_hz != HEARING_RATE_HZ:
        raise ValueError(f"{path} has {wav.rate_hz} samples a second, not {HEARING_RATE_HZ}.")
    pcm = mono(wav)
    loud = np.abs(as_samples(pcm).astype(np.int32))
    places = np.flatnonzero(loud >= QUIET_PART * loud.max())
    return pcm[int(places[0]) * BYTES_PER_SAMPLE : (int(places[-1]) + 1) * BYTES_PER_SAMPLE]


def from_first_word(pcm: bytes) -> bytes:
    """A clip (16 kHz) without the breath before its speech: interruptions are timed from its first sample."""
    frames = range(0, len(pcm), HEARING_FRAME_BYTES)
    return next((pcm[at:] for at in frames if loudness(pcm[at : at + HEARING_FRAME_BYTES]) >= SPEECH_LOUD), pcm)
