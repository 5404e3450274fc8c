"""Goes through schedules: every one of a few steps after known openings, and random longer ones; shortens those that break something."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.calls.interleavings import actions
from tests.calls.interleavings.invariants import violations
from tests.calls.interleavings.world import World, play, play_schedule

_ASKED: Final = "A h h A"
_THOUGHT: Final = f"{_ASKED} s+ h t+ h"
SPEAKS: Final = f"{_THOUGHT} v+ t+ h h v+ h"
"""Two clauses are there, the first is being heard."""
OPENINGS: Final = (
    "",
    "A h h",
    _ASKED,
    f"{_ASKED} H",
    f"{_ASKED} s+ h",
    f"{_ASKED} s+ H",
    f"{_ASKED} H A",
    _THOUGHT,
    f"{_THOUGHT} v+ h",
    f"{_THOUGHT} v+ h t0 h",
    f"{_THOUGHT} v~ h h",
    SPEAKS,
    f"{SPEAKS} A h",
    f"{SPEAKS} A h h A",
    f"{SPEAKS} A h h A s+",
    f"{SPEAKS} B h",
    f"{SPEAKS} B h h B",
    f"{SPEAKS} B h h B H",
    f"{SPEAKS} A B h h A",
    "n h v+ h",
    "n h v+ h A h",
    "A h B h h A B s+ s+2",
    "A h B h h A B s+ s+ H t+ h v+ h",
    "A h h Al Al",
    "A h h Al h Al Al Al",
    f"{SPEAKS} A h h Al Al",
    f"{_ASKED} s+ h t? h",
    f"{_ASKED} s+ t? H h",
    f"{_THOUGHT} t? v+ H h",
)
"""States worth looking at: before, in and after a turn, in every stage of the answer, in an interruption, with two who speak."""
SHORTEST_RANDOM: Final = 4
LONGEST_RANDOM: Final = 22
_WEIGHTS: Final = {
    actions.HOP: 6.0, actions.LONG: 4.0, actions.LOOP: 1.5, "A": 4.0, "B": 2.5,
    "Al": 3.0, "s+": 9.0, "t+": 9.0, "t0": 2.0, "t?": 3.0, "t&": 1.0, "v+": 9.0, "u+": 5.0,
}  # fmt: skip
_RARE_WEIGHT: Final = 0.4
_WITH_OPENING: Final = 0.7


@dataclass(frozen=True, slots=True)
class Violation:
    """A schedule that breaks something, how it can be found again, and the shortest one found that breaks the same."""

    number: str
    schedule: str
    shortest: str
    broken: tuple[str, ...]

    def __str__(self) -> str:
        return f"interleaving {self.number}: {self.schedule}\n  shortest: {self.shortest}\n  " + "\n  ".join(self.broken)


def broken_by(schedule: Sequence[str]) -> list[str]:
    """What this schedule breaks."""
    return violations(play_schedule(schedule).record)


def enumerated(opening: Sequence[str], depth: int) -> Iterator[World]:
    """Every conversation that goes on from ``opening`` with at most ``depth`` common actions, each once, with both ends.

    The choices are an odometer: playing a conversation tells how many there were at each step, and the next conversation differs in the
    last place that has another choice left.
    """
    choices: list[int] = []
    while True:
        widths: list[int] = []
        yield play(_Odometer(opening, depth, choices, widths))
        choices += [0] * (len(widths) - len(choices))
        while choices and choices[-1] + 1 == widths[len(choices) - 1]:
            choices.pop()
        if not choices:
            return
        choices[-1] += 1


class _Odometer:
    """Chooses what ``choices`` say, then always the first; notes in ``widths`` how many choices there were."""

    def __init__(self, opening: Sequence[str], depth: int, choices: Sequence[int], widths: list[int]) -> None:
        self._opening = iter(opening)
        self._depth = depth
        self._choices = choices
        self._widths = widths

    def __call__(self, world: World) -> str:
        if (name := next(self._opening, None)) is not None:
            return name
        step = len(self._widths)
        options = list(actions.LAST)
        if step < self._depth:
            options += [name for name in world.enabled() if name not in actions.RARE]
        self._widths.append(len(options))
        return options[self._choices[step] if step < len(self._choices) else 0]


def first_steps(opening: Sequence[str]) -> list[list[str]]:
    """The opening with each of the common actions that can follow it: parts of one enumeration that can be gone through side by side."""
    found: list[str] = []

    def choose(world: World) -> str | None:
        name = next(steps, None)
        if name is None:
            found.extend(name for name in world.enabled() if name not in actions.RARE)
        return name

    steps = iter(opening)
    play(choose)
    return [[*opening, name] for name in found]


def random_conversation(seed: int, number: int) -> World:
    """The ``number``-th conversation of ``seed``: an opening or none, then random actions, then either end."""
    chance = random.Random(f"{seed}:{number}")
    opening = iter(actions.parsed(chance.choice(OPENINGS)) if chance.random() < _WITH_OPENING else ())
    left = chance.randint(SHORTEST_RANDOM, LONGEST_RANDOM)

    def choose(world: World) -> str:
        nonlocal left
        if (name := next(opening, None)) is not None:
            return name
        left -= 1
        if left < 0:
            return chance.choice(actions.LAST)
        options = list(world.enabled())
        return chance.choices(options, [_WEIGHTS.get(name, _RARE_WEIGHT) for name in options])[0]

    return play(choose)


def violation_in(world: World, number: str) -> Violation | None:
    """What the conversation breaks, with the shortest schedule that still breaks one of the same invariants."""
    broken = violations(world.record)
    if not broken:
        return None
    return Violation(number, " ".join(world.done), " ".join(shortened(world.done, _names(broken))), tuple(broken))


def _names(broken: Sequence[str]) -> set[str]:
    return {each.partition(":")[0] for each in broken}


def shortened(schedule: Sequence[str], invariants: set[str]) -> list[str]:
    """``schedule`` without all the actions that it can do without and still break one of ``invariants``."""
    kept = list(schedule)
    step = max(1, len(kept) // 2)
    while step:
        place = 0
        while place < len(kept) - 1:
            shorter = kept[:place] + kept[min(place + step, len(kept) - 1) :]
            if _names(broken_by(shorter)) & invariants:
                kept = shorter
            else:
                place += step
        step //= 2
    return kept
