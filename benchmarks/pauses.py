"""Recorded speech with pauses put in: each clip's end is a true end of turn, the quietest places inside it are pauses and no ends."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats, as_floats, from_floats
from errors import ParleyError

PAUSES_S: Final = (0.25, 0.4, 0.6, 0.8, 1.2, 1.6)
"""The lengths that each pause inside a clip is given."""
SILENCE_S: Final = 2.6
"""What follows the speech of every stimulus: more than anybody waits."""
BLOCK_SAMPLES: Final = HEARING_RATE_HZ // 100
SMOOTHED_BLOCKS: Final = 3
CUT_EVERY_S: Final = 1.5
"""One pause for about this much of a clip, and at least one in a clip of 1.2 s."""
CLEAR_OF_ENDS_S: Final = 0.5
APART_S: Final = 0.7
SPEECH_DB: Final = 30.0
"""Sound is speech down to this far below the clip's loud parts."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording: 16 kHz samples and its words."""

    name: str
    audio: Floats
    text: str


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Speech up to a pause, and faint noise like the clip's own after it. ``ended_s`` is where the speech really ends."""

    name: str
    pcm: bytes
    ended_s: float
    true_end: bool


def clips_in(folder: Path) -> list[Clip]:
    """The clips that ``folder/manifest.json`` lists.

    :raises errors.ParleyError: there is no such file, or a clip is missing or not 16 kHz mono 16-bit.
    """
    try:
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return [Clip(Path(entry["file"]).stem, _samples(folder / entry["file"]), entry["text"]) for entry in entries]
    except (OSError, ValueError, KeyError, wave.Error) as unreadable:
        raise ParleyError(
            f"{folder} holds no usable speech: {unreadable}.", "Give --speech a folder with manifest.json and clips."
        ) from None


def _samples(path: Path) -> Floats:
    with wave.open(str(path)) as clip:
        if (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) != (HEARING_RATE_HZ, 1, 2):
            raise ValueError(f"{path.name} is not 16 kHz mono 16-bit")
        return as_floats(clip.readframes(clip.getnframes()))


def stimuli(clip: Clip, random: np.random.Generator) -> Iterator[Stimulus]:
    """The clip cut off at each of its quietest places, and whole."""
    loudness = _loudness_db(clip.audio)
    floor = float(np.percentile(loudness, 95)) - SPEECH_DB
    for block in _quiet_places(loudness):
        yield _stimulus(f"{clip.name}@{block / 100:.2f}", clip.audio[: block * BLOCK_SAMPLES], floor, random, true_end=False)
    yield _stimulus(clip.name, clip.audio, floor, random, true_end=True)


def _stimulus(name: str, audio: Floats, floor_db: float, random: np.random.Generator, *, true_end: bool) -> Stimulus:
    loudness = _loudness_db(audio)
    spoken = np.flatnonzero(loudness > floor_db)
    ended = (int(spoken[-1]) + 1) * BLOCK_SAMPLES if len(spoken) else len(audio)
    level = 10 ** (min(float(loudness.min()), -50.0) / 20)
    noise = random.normal(0.0, level, int(SILENCE_S * HEARING_RATE_HZ)).astype(np.float32)
    return Stimulus(name, from_floats(np.concatenate([audio[:ended], noise])), ended / HEARING_RATE_HZ, true_end)


def _loudness_db(audio: Floats) -> Floats:
    blocks = audio[: len(audio) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES)
    power = np.convolve((blocks**2).mean(axis=1), np.ones(SMOOTHED_BLOCKS) / SMOOTHED_BLOCKS, mode="same")
    return np.asarray(10 * np.log10(power + 1e-9), np.float32)


def _quiet_places(loudness: Floats) -> list[int]:
    """The quietest blocks, well apart from each other and from both ends of the speech: mostly where words meet."""
    spoken = np.flatnonzero(loudness > np.percentile(loudness, 95) - SPEECH_DB)
    first, last = int(spoken[0] + CLEAR_OF_ENDS_S * 100), int(spoken[-1] - CLEAR_OF_ENDS_S * 100)
    wanted = round((spoken[-1] - spoken[0]) / 100 / CUT_EVERY_S)
    chosen: list[int] = []
    for block in (np.argsort(loudness[first:last], kind="stable") + first).tolist() if last > first else []:
        if len(chosen) < max(1, wanted) and all(abs(block - other) >= APART_S * 100 for other in chosen):
            chosen.append(block)
    return sorted(chosen)
