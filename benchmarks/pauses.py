"""Recorded speech with pauses put in: after each clip's end, and at its quietest places, at and off sentence ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats, from_floats
from benchmarks.stt import Clip
from calls.turns.word_lists import words_of

SILENCE_S: Final = 2.6
"""What follows the speech of every stimulus: more than anybody waits."""
BLOCK_SAMPLES: Final = HEARING_RATE_HZ // 100
SMOOTHED_BLOCKS: Final = 3
CUT_EVERY_S: Final = 1.5
"""One pause for about this much of a clip, and at least one in a clip of 1.2 s."""
CLEAR_OF_ENDS_S: Final = 0.5
APART_S: Final = 0.7
LOUDEST_NOISE_DB: Final = -50.0
SPEECH_DB: Final = 30.0
"""Sound is speech down to this far below the clip's loud parts."""


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Speech up to a pause, and faint noise like the clip's own after it."""

    name: str
    pcm: bytes
    clip_text: str
    whole: bool
    """The pause is at the clip's end."""

    def at_sentence_end(self, transcript: str) -> bool:
        """What was said up to the pause, known as far as ``transcript`` has it, ends a sentence of the clip."""
        return self.whole or _ends_sentence(transcript, self.clip_text)


def _ends_sentence(transcript: str, text: str) -> bool:
    """The last word was heard right, and a sentence of ``text`` ends with it; both are laid side by side word by word."""
    heard, written = words_of(transcript), text.split()
    plain = ["".join(words_of(word)) for word in written]
    matched = [block for block in SequenceMatcher(None, heard, plain, autojunk=False).get_matching_blocks() if block.size]
    if not matched or matched[-1].a + matched[-1].size < len(heard):
        return False
    return written[matched[-1].b + matched[-1].size - 1].endswith((".", "!", "?"))


def stimuli(clip: Clip, random: np.random.Generator) -> Iterator[Stimulus]:
    """The clip cut off at each of its quietest places, and whole."""
    loudness = _loudness_db(clip.audio)
    level = 10 ** (min(float(loudness.min()), LOUDEST_NOISE_DB) / 20)
    noise = random.normal(0.0, level, int(SILENCE_S * HEARING_RATE_HZ)).astype(np.float32)
    for block in _quiet_places(loudness):
        spoken = clip.audio[: block * BLOCK_SAMPLES]
        yield Stimulus(f"{clip.name}@{block / 100:.2f}", from_floats(np.concatenate([spoken, noise])), clip.text, whole=False)
    yield Stimulus(clip.name, from_floats(np.concatenate([clip.audio, noise])), clip.text, whole=True)


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
