"""A headless Chromium with a microphone that plays a file: for the benchmark of the browser call, its pictures, and its tests."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ
from errors import ParleyError

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium_program() -> str:
    """Where it is.

    :raises ParleyError: it is not installed.
    """
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise ParleyError("This needs the browser Chromium.", "Install it with: sudo apt install chromium")


def chromium_options(microphone: Path, *more: str) -> dict[str, Any]:
    """What Playwright starts it with; the microphone plays the file once in each call, from when it is opened.

    Contexts that may use it are made with ``permissions=["microphone"]``.
    """
    return {
        "executable_path": chromium_program(),
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
            "--autoplay-policy=no-user-gesture-required",
            *more,
        ],
    }


def write_microphone(path: Path, sounds: Iterable[tuple[float, bytes]], silence_after_s: float = 5.0) -> Path:
    """A file for the microphone: each sound (16 kHz mono) begins at its second."""
    placed = [(int(at_s * HEARING_RATE_HZ), np.frombuffer(pcm, dtype="<i2")) for at_s, pcm in sounds]
    length = max((at + len(samples) for at, samples in placed), default=0) + int(silence_after_s * HEARING_RATE_HZ)
    track = np.zeros(length, dtype="<i2")
    for at, samples in placed:
        track[at : at + len(samples)] = samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(HEARING_RATE_HZ)
        file.writeframes(track.tobytes())
    return path
