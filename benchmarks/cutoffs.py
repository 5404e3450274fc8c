"""False cut-offs against added latency: ways to end turns, applied to what was heard of pauses, with all their waits scaled alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pause_hearing import Pause
from calls.pause_reader import MOST_READINGS
from calls.turns.patience import NOTHING, WEIGHTS, Evidence, Patience, Waits, Weights
from calls.turns.text_cues import finished_by_words

PAUSES_S: Final = (0.12, 0.15, 0.18, 0.2, 0.22, 0.24, 0.26, 0.28, 0.32, 0.36, 0.4, 0.45, 0.5, 0.56, 0.7, 0.9, 1.2, 1.8)
"""The lengths that each pause inside a sentence is given. They are spread so that a detector alone cuts off as many as in the public
eot-bench (its English column: 56 % at 300 ms, 22 % at 600 ms, 5 % at 1600 ms)."""
FACTORS: Final = np.append(np.geomspace(0.02, 20.0, 300), 1.0)
AS_IT_IS: Final = len(FACTORS) - 1
RESAMPLINGS: Final = 1000
INTERVAL_PERCENT: Final = (2.5, 97.5)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class News:
    """From ``at_s`` of silence on, ``evidence`` is known."""

    at_s: float
    evidence: Evidence


Decide = Callable[[Pause, Sequence[float]], list[float]]
"""The silence at which a pause is taken for the end, with all waits scaled by each of the factors."""


def by_silence(pause: Pause, factors: Sequence[float]) -> list[float]:
    """The detector alone; a factor is the wait itself, in seconds."""
    return [max(pause.noticed_s, factor) for factor in factors]


def by_evidence(waits: Waits, *, sound: bool = True, words: bool = True, weights: Weights = WEIGHTS) -> Decide:
    """With what is known of sound and words in each moment."""

    def decide(pause: Pause, factors: Sequence[float]) -> list[float]:
        news = timeline(pause, sound=sound, words=words)
        return [accepted_s(pause.noticed_s, news, Patience(waits.scaled(factor), weights)) for factor in factors]

    return decide


def timeline(pause: Pause, *, sound: bool = True, words: bool = True) -> list[News]:
    """What is known at each moment of a pause."""
    readings = pause.readings[:MOST_READINGS] if sound else ()
    events = [(reading.known_s, reading.completeness) for reading in readings]
    at_s, by_words = pause.words_known_s, finished_by_words(pause.text, pause.language)
    evidence, news = NOTHING, []
    for known_s, completeness in sorted([*events, (at_s, None)] if words else events, key=lambda event: event[0]):
        evidence = evidence.read(by_words) if completeness is None else evidence.heard(completeness)
        news.append(News(known_s, evidence))
    return news


def accepted_s(noticed_s: float, news: Sequence[News], patience: Patience) -> float:
    """The silence at which the turn ends, when the wait is what the news call for at each moment."""
    evidence, since_s = NOTHING, noticed_s
    for item in news:
        ends_s = max(since_s, patience.wait_s(evidence))
        if ends_s <= item.at_s:
            return ends_s
        evidence, since_s = item.evidence, item.at_s
    return max(since_s, patience.wait_s(evidence))


@dataclass(frozen=True, slots=True)
class Curve:
    """One way at every factor: rows are pauses (or ends), columns factors."""

    latencies_s: Array
    """The added latency of each true end."""
    cutoffs: Array
    """Of each pause, the share of the lengths at which it is taken for an end."""

    def mean_latencies_s(self, weights: Array | None = None) -> Array:
        """Over the ends, by factor."""
        return np.average(self.latencies_s, axis=0, weights=weights)

    def cutoffs_at(self, mean_s: float, ends: Array | None = None, pauses: Array | None = None) -> float:
        """The share of pauses, of all lengths together, taken for an end where the mean latency is ``mean_s``."""
        order = np.argsort(FACTORS)
        shares = np.average(self.cutoffs, axis=0, weights=pauses)
        return float(np.interp(mean_s, self.mean_latencies_s(ends)[order], shares[order]))

    def nearest(self, mean_s: float) -> int:
        """The column whose mean latency is nearest to ``mean_s``."""
        return int(np.argmin(np.abs(self.mean_latencies_s() - mean_s)))


def curve_of(pauses: Sequence[Pause], decide: Decide) -> Curve:
    """``decide`` applied to all of ``pauses``."""
    factors = FACTORS.tolist()
    accepted = np.array([decide(pause, factors) for pause in pauses])
    is_end = np.array([pause.true_end for pause in pauses])
    off_ends = accepted[~is_end]
    return Curve(accepted[is_end], (off_ends[:, :, None] < np.array(PAUSES_S)).mean(axis=2))


def interval(pauses: Sequence[Pause], way: Curve, alone: Curve, mean_s: float | None, *, seed: int = 1) -> tuple[float, float]:
    """Between what the ratio of both ways' cut-offs lies in 95 % of the cases when as many clips are drawn anew, with replacement.

    ``mean_s`` ``None``: at the latency that ``way`` then has with its waits as they are.
    """
    clips = sorted({pause.clip for pause in pauses})
    number = np.array([clips.index(pause.clip) for pause in pauses])
    is_end = np.array([pause.true_end for pause in pauses])
    random = np.random.default_rng(seed)
    ratios = []
    for _ in range(RESAMPLINGS):
        weights = np.bincount(random.integers(len(clips), size=len(clips)), minlength=len(clips))[number].astype(float)
        ends, off_ends = weights[is_end], weights[~is_end]
        if ends.any() and off_ends.any():
            ratios.append(_ratio(way, alone, mean_s, ends, off_ends))
    low, high = np.percentile(ratios, INTERVAL_PERCENT) if ratios else (1.0, 1.0)
    return float(low), float(high)


def _ratio(way: Curve, alone: Curve, mean_s: float | None, ends: Array, pauses: Array) -> float:
    if mean_s is None:
        mean_s = float(way.mean_latencies_s(ends)[AS_IT_IS])
        cutoffs = float(np.average(way.cutoffs, axis=0, weights=pauses)[AS_IT_IS])
    else:
        cutoffs = way.cutoffs_at(mean_s, ends, pauses)
    of_alone = alone.cutoffs_at(mean_s, ends, pauses)
    return cutoffs / of_alone if of_alone else 1.0
