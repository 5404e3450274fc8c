"""How much silence ends a turn, given what is known by now: pure, re-read during a pause as often as there is news.

The sound of the turn and its words each add to the log-odds that the speaker has finished, and the wait falls with the log-odds: where
pauses grow rarer with their length at a steady rate, as within turns they do, that is the wait that balances cutting off against keeping
waiting. Knowing nothing, it is the plain rule of a voice activity detector: the usual wait.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

SURE: Final = 0.98
"""The sound model is never believed further than this."""
LEARNED_PAUSES: Final = 24
LEARNED_QUANTILE: Final = 0.85
PRIOR_PAUSES: Final = 6
"""The profile's usual wait counts as much as this many pauses of the speaker."""
LEAST_OF_USUAL: Final = 0.7
MOST_OF_USUAL: Final = 1.8
"""How far a speaker's own pauses can move the usual wait."""


@dataclass(frozen=True, slots=True)
class Waits:
    """A profile: the silence that ends a turn that is surely finished, that nothing is known of, and that is surely not, in seconds.

    :raises ValueError: they are not in order.
    """

    shortest_s: float
    usual_s: float
    longest_s: float

    def __post_init__(self) -> None:
        if not 0 < self.shortest_s <= self.usual_s <= self.longest_s:
            raise ValueError(f"Waits must grow from the shortest to the longest: {self}.")

    def scaled(self, factor: float) -> Waits:
        """The same profile, ``factor`` times as patient."""
        return Waits(self.shortest_s * factor, self.usual_s * factor, self.longest_s * factor)


PROFILES: Final = {"fast": Waits(0.2, 0.5, 1.4), "balanced": Waits(0.25, 0.7, 2.0), "patient": Waits(0.5, 1.5, 3.0)}
"""K8; the keys are the values of the setting."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a turn in its pause."""

    readings: tuple[float, ...] = ()
    """The sound model's probabilities, one for each time it was asked in this pause, that the speaker has finished. All count
    alike: a single one is noisy."""
    words: float | None = None
    """From -1 (the words are surely unfinished) to 1 (surely finished), see :mod:`calls.turns.text_cues`. ``None``: not known yet."""

    def heard(self, completeness: float) -> Evidence:
        """With one more reading of the sound model."""
        return replace(self, readings=(*self.readings, completeness))

    def read(self, words: float) -> Evidence:
        """With the words known."""
        return replace(self, words=words)


@dataclass(frozen=True, slots=True)
class Weights:
    """What evidence is worth; the values are what ``benchmarks/fit_turns.py`` finds, rounded."""

    sound: float = 0.7
    """Log-odds per log-odds of the sound model: it is sure of itself more often than it is right."""
    bias: float = -0.6
    """Log-odds when the sound model is undecided: it takes more for finished than is."""
    words: float = 3.0
    """Log-odds of words that leave no doubt."""
    no_doubt: float = 3.5
    """Log-odds against having finished at which the wait is the longest."""

    def odds(self, evidence: Evidence) -> float:
        """The log-odds that the speaker has finished; 0 when nothing is known."""
        return self._odds_of_sound(evidence.readings) + self.words * max(-1.0, min(1.0, evidence.words or 0.0))

    def _odds_of_sound(self, readings: tuple[float, ...]) -> float:
        return self.bias + self.sound * sum(map(log_odds, readings)) / len(readings) if readings else 0.0


def log_odds(probability: float) -> float:
    """Of the sound model's ``probability``, as far as it is believed."""
    believed = min(SURE, max(1 - SURE, probability))
    return math.log(believed / (1 - believed))


NOTHING: Final = Evidence()
WEIGHTS: Final = Weights()


@dataclass(slots=True)
class Patience:
    """One speaker's: keeps the pauses after which they went on, in this call."""

    waits: Waits = PROFILES["balanced"]
    weights: Weights = WEIGHTS
    _pauses_s: deque[float] = field(default_factory=lambda: deque(maxlen=LEARNED_PAUSES))

    def wait_s(self, evidence: Evidence = NOTHING) -> float:
        """The silence that ends the turn as far as it is known now, in seconds of audio; never outside the profile's bounds."""
        waits, usual_s = self.waits, self.usual_s
        per_odds_s = (waits.longest_s - usual_s) / self.weights.no_doubt
        return min(waits.longest_s, max(waits.shortest_s, usual_s - per_odds_s * self.weights.odds(evidence)))

    def learn(self, pause_s: float) -> None:
        """The speaker went on after a pause of ``pause_s``, be it within a turn or after one that was taken to be over."""
        self._pauses_s.append(min(pause_s, self.waits.longest_s))

    @property
    def usual_s(self) -> float:
        """The wait when nothing is known of the turn: the profile's, moved towards what this speaker's pauses call for."""
        if not self._pauses_s:
            return self.waits.usual_s
        weight = len(self._pauses_s) / (len(self._pauses_s) + PRIOR_PAUSES)
        learned_s = self.waits.usual_s + weight * (_quantile(list(self._pauses_s)) - self.waits.usual_s)
        least_s = max(self.waits.shortest_s, LEAST_OF_USUAL * self.waits.usual_s)
        return min(self.waits.longest_s, MOST_OF_USUAL * self.waits.usual_s, max(least_s, learned_s))


def _quantile(pauses_s: list[float]) -> float:
    return sorted(pauses_s)[min(len(pauses_s) - 1, int(LEARNED_QUANTILE * len(pauses_s)))]
