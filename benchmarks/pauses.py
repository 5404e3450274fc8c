"""Recorded speech with pauses put in between words: after the end of each clip, and at and off the sentence ends inside it.

Off sentence ends the pauses are where the speaker pauses anyway, mostly between phrases, and after other words chosen at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats, from_floats
from benchmarks.stt import Clip
from benchmarks.word_times import WordEnd

SILENCE_S: Final = 2.6
"""What follows the speech of every stimulus: more than anybody waits."""
BLOCK_SAMPLES: Final = HEARING_RATE_HZ // 100
SMOOTHED_BLOCKS: Final = 3
FADE_SAMPLES: Final = HEARING_RATE_HZ // 200
PAUSE_EVERY_S: Final = 1.0
"""One pause off a sentence end for about this much of a clip, and at least one."""
CLEAR_OF_START_S: Final = 0.4
APART_S: Final = 0.5
BEFORE_S: Final = 0.05
AFTER_S: Final = 0.15
"""Words meet where it is quietest from this long before to this long after the time that Whisper gives."""
SHORTEST_WORD_S: Final = 0.15
LOUDEST_NOISE_DB: Final = -50.0
SPEECH_DB: Final = 25.0
"""Sound is speech down to this far below the clip's loud parts."""
NATURAL_PAUSE_S: Final = 0.12
"""Quiet for this long between words is a pause that the speaker made."""
NATURAL_WITHIN_S: Final = 0.35
"""Whisper gives the end of the word before a pause up to this much too early."""
SENTENCE_ENDS: Final = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Speech up to a pause, and faint noise like the clip's own after it."""

    name: str
    pcm: bytes
    spoken: str
    """What is said up to the pause, as it is written in the clip's text."""
    true_end: bool
    """A sentence ends there."""


def stimuli(clip: Clip, words: Sequence[WordEnd], random: np.random.Generator) -> Iterator[Stimulus]:
    """The clip cut off after each sentence in it, in the speaker's own pauses, after other words chosen at random, and whole."""
    loudness = _loudness_db(clip.audio)
    level = 10 ** (min(float(loudness.min()), LOUDEST_NOISE_DB) / 20)
    noise = random.normal(0.0, level, int(SILENCE_S * HEARING_RATE_HZ)).astype(np.float32)
    next_ends_s = [word.at_s for word in words[1:]] + [len(clip.audio) / HEARING_RATE_HZ]
    cuts = [_cut(loudness, word.at_s, next_s) for word, next_s in zip(words, next_ends_s, strict=True)]
    for number in _chosen(words, [cut.natural for cut in cuts], random):
        at = cuts[number].block * BLOCK_SAMPLES
        spoken = clip.audio[:at].copy()
        spoken[-FADE_SAMPLES:] *= np.linspace(1.0, 0.0, len(spoken[-FADE_SAMPLES:]), dtype=np.float32)
        text = " ".join(word.word for word in words[: number + 1])
        name = f"{clip.name}@{at / HEARING_RATE_HZ:.2f}"
        yield Stimulus(name, from_floats(np.concatenate([spoken, noise])), text, ends_sentence(words[number].word))
    yield Stimulus(clip.name, from_floats(np.concatenate([clip.audio, noise])), clip.text, true_end=True)


def ends_sentence(word: str) -> bool:
    """``word`` has the mark of a sentence's end, and not dots."""
    return word.rstrip("\"'»”").endswith(SENTENCE_ENDS) and not word.endswith("..")


def _chosen(words: Sequence[WordEnd], natural: Sequence[bool], random: np.random.Generator) -> list[int]:
    """Which words, but the last, a pause follows: all before sentence ends and natural pauses, and others well apart from them."""
    inner = [number for number, word in enumerate(words[:-1]) if word.at_s >= CLEAR_OF_START_S]
    chosen = [number for number in inner if natural[number] or ends_sentence(words[number].word)]
    wanted = len(chosen) + max(1, round(words[-1].at_s / PAUSE_EVERY_S)) if words else 0
    for number in random.permutation(inner).tolist():
        apart = all(abs(words[number].at_s - words[other].at_s) >= APART_S for other in (*chosen, len(words) - 1))
        if apart and len(chosen) < wanted:
            chosen.append(number)
    return sorted(chosen)


@dataclass(frozen=True, slots=True)
class _Cut:
    block: int
    natural: bool


def _cut(loudness: Floats, word_end_s: float, next_end_s: float) -> _Cut:
    """In the speaker's own pause if there is one, shortly after its beginning; else where it is quietest."""
    quiet = loudness < np.percentile(loudness, 95) - SPEECH_DB
    length = round(NATURAL_PAUSE_S * 100)
    first = max(1, round((word_end_s - BEFORE_S) * 100))
    within_s = min(word_end_s + NATURAL_WITHIN_S, next_end_s - SHORTEST_WORD_S)
    for block in range(first, min(len(quiet), round(within_s * 100)) - length // 2):
        if quiet[block : block + length].all():
            return _Cut(block + length // 2, natural=True)
    last = min(len(loudness), round((word_end_s + AFTER_S) * 100) + 1)
    return _Cut(first + int(np.argmin(loudness[first:last])) if last > first else len(loudness), natural=False)


def _loudness_db(audio: Floats) -> Floats:
    blocks = audio[: len(audio) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES)
    power = np.convolve((blocks**2).mean(axis=1), np.ones(SMOOTHED_BLOCKS) / SMOOTHED_BLOCKS, mode="same")
    return np.asarray(10 * np.log10(power + 1e-9), np.float32)
