"""The log-mel spectrogram that Whisper-style models read: 80 bands, a frame of 25 ms every 10 ms, the loudest 8 decades.

Parameters as in Whisper's own front end: periodic Hann window, reflected edges, Slaney's mel scale with equal areas, no frame for the end.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audio.pcm import HEARING_RATE_HZ, Floats

BANDS: Final = 80
WINDOW_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
EDGE_SAMPLES: Final = WINDOW_SAMPLES // 2
QUIETEST: Final = 1e-10
DECADES: Final = 8.0
LINEAR_HZ_PER_MEL: Final = 200.0 / 3.0
LOGARITHMIC_FROM_HZ: Final = 1000.0
LOGARITHMIC_STEP: Final = float(np.log(6.4)) / 27.0


def log_mel(audio: Floats, *, silent_samples: int = 0) -> Floats:
    """The spectrogram of ``audio`` (16 kHz), shaped (80, one column per 160 samples), scaled as Whisper has it.

    The first ``silent_samples`` are known to be all the same: their columns are filled in without being computed.
    """
    columns = len(audio) // HOP_SAMPLES
    first = _first_column_with_sound(silent_samples)
    powers = np.empty((BANDS, columns), np.float32)
    powers[:, first:] = _band_powers(_framed(audio, first, columns))
    if first:
        powers[:, :first] = _band_powers(_framed(audio, 0, 1))
    logs = np.log10(np.maximum(powers, QUIETEST, out=powers), out=powers)
    np.maximum(logs, logs.max() - DECADES, out=logs)
    logs += 4.0
    logs /= 4.0
    return logs


def _first_column_with_sound(silent_samples: int) -> int:
    """The first column whose window reaches beyond the silent samples."""
    return max(0, (silent_samples - EDGE_SAMPLES) // HOP_SAMPLES)


def _framed(audio: Floats, first: int, last: int) -> Floats:
    padded = np.pad(audio, EDGE_SAMPLES, mode="reflect")
    frames = sliding_window_view(padded, WINDOW_SAMPLES)[first * HOP_SAMPLES : last * HOP_SAMPLES : HOP_SAMPLES]
    return np.asarray(frames * _hann(), np.float32)


def _band_powers(frames: Floats) -> Floats:
    spectrum = np.fft.rfft(frames, axis=-1)
    powers = spectrum.real**2 + spectrum.imag**2
    return np.asarray(_mel_filters() @ powers.T, np.float32)


@functools.cache
def _hann() -> Floats:
    return np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)


@functools.cache
def _mel_filters() -> Floats:
    """One triangle per band over the bins of the transform."""
    bins_hz = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / HEARING_RATE_HZ)
    corners_hz = _hz(np.linspace(0.0, _mel(HEARING_RATE_HZ / 2), BANDS + 2))
    low, centre, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    triangles = np.minimum((bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre)).clip(min=0.0)
    return np.asarray(triangles * 2.0 / (high - low), np.float32)


def _mel(hz: float) -> float:
    return LOGARITHMIC_FROM_HZ / LINEAR_HZ_PER_MEL + float(np.log(hz / LOGARITHMIC_FROM_HZ)) / LOGARITHMIC_STEP


def _hz(mels: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    linear = mels * LINEAR_HZ_PER_MEL
    logarithmic = LOGARITHMIC_FROM_HZ * np.exp(LOGARITHMIC_STEP * (mels - LOGARITHMIC_FROM_HZ / LINEAR_HZ_PER_MEL))
    return np.where(linear < LOGARITHMIC_FROM_HZ, linear, logarithmic)
