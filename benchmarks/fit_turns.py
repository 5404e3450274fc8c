"""Finds the weights of calls/turns/patience.py, and says how good they are for voices that took no part in finding them.

    python benchmarks/fit_turns.py DIR ... [--keep DIR] [--json FILE]
    python benchmarks/fit_turns.py --heard FILE ... [--json FILE]

Each DIR (or FILE kept before) is one set of clips, best of one voice or language, such as benchmarks/prompts.py makes. The weights of sound
and words are those of a logistic regression in which ends and pauses count alike; how fast the wait falls with the odds is the best of a
few values, by the mean share of a detector's cut-offs that remains at 300 and at 600 ms of mean latency. The first table shows what each
of the turn model's readings in a pause tells, given the others. In the second each line but the first leaves one set out, and is judged
by just that set.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.cutoffs import Array, by_evidence, by_silence, curve_of
from benchmarks.pause_hearing import Pause, load_pauses, save_pauses
from benchmarks.report import publish
from benchmarks.turns import LATENCIES_S, heard
from calls.pause_reader import MOST_READINGS, READ_EVERY_S
from calls.turns.patience import PROFILES, WEIGHTS, Weights, log_odds
from calls.turns.text_cues import finished_by_words
from errors import ParleyError

READINGS: Final = 5
NO_DOUBTS: Final = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
RIDGE: Final = 0.01
NEWTON_STEPS: Final = 30


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """What one reading is worth in log-odds per log-odds, given the others."""

    reading: str
    weight: float
    ends_believed_percent: float
    """Of the true ends, how many it takes for ends."""
    pauses_believed_percent: float
    """Of the pauses, likewise."""


@dataclass(frozen=True, slots=True)
class FitRow:
    """Weights, and what they leave of a detector's cut-offs in the set that did not take part, or in all."""

    judged_by: str
    ends: int
    pauses: int
    sound: float
    bias: float
    words: float
    no_doubt: float
    at_300_ms: float
    at_600_ms: float


def regression(features: Array, is_end: Array) -> Array:
    """The logistic regression of ``is_end`` on the columns of ``features``; both kinds together weigh the same."""
    weights = np.where(is_end, 0.5 / is_end.mean(), 0.5 / (1 - is_end).mean())
    found = np.zeros(features.shape[1])
    for _ in range(NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-features @ found))
        slope = features.T @ ((chances - is_end) * weights) + RIDGE * found
        curvature = (features.T * (weights * chances * (1 - chances))) @ features + RIDGE * np.eye(len(found))
        found = found - np.linalg.solve(curvature, slope)
    return np.asarray(found)


def odds_of_readings(pauses: Sequence[Pause], readings: int) -> Array:
    """The log-odds of each pause's first readings, as far as they are believed."""
    return np.array([[log_odds(reading.completeness) for reading in pause.readings[:readings]] for pause in pauses])


def ends_of(pauses: Sequence[Pause]) -> Array:
    """1 for a true end, 0 for a pause."""
    return np.array([float(pause.true_end) for pause in pauses])


def reading_rows(pauses: Sequence[Pause]) -> list[ReadingRow]:
    """What each reading tells."""
    odds, is_end = odds_of_readings(pauses, READINGS), ends_of(pauses)
    found = regression(np.column_stack([np.ones(len(odds)), odds]), is_end)
    return [
        ReadingRow(
            f"{1000 * number * READ_EVERY_S:.0f} ms after the first" if number else "first",
            float(found[1 + number]),
            100 * float((odds[is_end > 0, number] > 0).mean()),
            100 * float((odds[is_end == 0, number] > 0).mean()),
        )
        for number in range(odds.shape[1])
    ]


def fitted(sets: Sequence[Sequence[Pause]]) -> Weights:
    """The weights that ``sets`` call for; each set counts alike for the last of them."""
    pauses = [pause for one in sets for pause in one]
    sound = odds_of_readings(pauses, MOST_READINGS).mean(axis=1)
    words = [finished_by_words(pause.text, pause.language) for pause in pauses]
    bias, of_sound, of_words = regression(np.column_stack([np.ones(len(pauses)), sound, words]), ends_of(pauses)).tolist()
    weights = Weights(of_sound, bias, of_words)
    return min(
        (replace(weights, no_doubt=no_doubt) for no_doubt in NO_DOUBTS),
        key=lambda candidate: float(np.mean([shares(one, candidate) for one in sets])),
    )


def shares(pauses: Sequence[Pause], weights: Weights) -> list[float]:
    """What is left of a detector's cut-offs at each of the latencies."""
    way, alone = curve_of(pauses, by_evidence(PROFILES["balanced"], weights=weights)), curve_of(pauses, by_silence)
    return [way.cutoffs_at(mean_s) / alone.cutoffs_at(mean_s) for mean_s in LATENCIES_S]


def fit_row(judged_by: str, judging: Sequence[Pause], weights: Weights) -> FitRow:
    """``weights`` judged by ``judging``."""
    ends = sum(pause.true_end for pause in judging)
    return FitRow(judged_by, ends, len(judging) - ends, *asdict(weights).values(), *shares(judging, weights))


def fit_rows(sets: dict[str, list[Pause]]) -> Iterable[FitRow]:
    """Of all sets, of all but each one, and the weights in use."""
    every = [pause for pauses in sets.values() for pause in pauses]
    yield fit_row("all, which took part", every, fitted(list(sets.values())))
    for name, judging in sets.items() if len(sets) > 1 else ():
        yield fit_row(name, judging, fitted([pauses for other, pauses in sets.items() if other != name]))
    yield fit_row("all, weights in use", every, WEIGHTS)


def main() -> int:
    """Hear, fit and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, nargs="*", metavar="DIR", help="clips with a manifest.json")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write down there what was heard")
    parser.add_argument("--heard", type=Path, nargs="+", default=[], metavar="FILE", help="what was written down")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    wanted = parser.parse_args()
    try:
        sets = {file.stem: load_pauses(file) for file in wanted.heard}
        for folder in wanted.speech:
            sets[folder.name], _ = asyncio.run(heard([folder], "base", quick=False, readings=READINGS))
            if wanted.keep:
                save_pauses(sets[folder.name], wanted.keep / f"{folder.name}.json")
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    if not sets:
        parser.error("at least one DIR, or --heard FILE")
    publish("readings", reading_rows([pause for pauses in sets.values() for pause in pauses]), None, "What each reading tells")
    publish("fit_turns", list(fit_rows(sets)), wanted.json, "Weights, and the share of a detector's cut-offs that they leave")
    return 0


if __name__ == "__main__":
    sys.exit(main())
