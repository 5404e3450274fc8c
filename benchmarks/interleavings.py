"""Is there an order of things in which a conversation goes wrong? Conversations in virtual time, each with its own order, all checked.

    python benchmarks/interleavings.py [--count N] [--processes N] [--seed N] [--quick] [--json FILE]
    python benchmarks/interleavings.py --replay "A h h A s+ h t+ v+ H A rest"

People begin and stop to speak, mute themselves and leave; words, tokens and sound come, in any order, or fail; frames are played; somebody
hangs up. First every schedule of a few steps after each of some openings is played, then random longer ones until there are N. Each word of
the voice has its own sound, so an ear of its own says what was heard (tests/calls/interleavings). A schedule that breaks an invariant is
printed with the shortest one that still does; ``--replay`` plays one and tells what happens. The exit code is 1 if anything was broken.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import logging
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.report import argument_parser, publish
from tests.calls.interleavings import actions
from tests.calls.interleavings.invariants import INVARIANTS, violations
from tests.calls.interleavings.search import OPENINGS, Violation, enumerated, first_steps, random_conversation, violation_in
from tests.calls.interleavings.world import World, play_schedule

COUNT: Final = 1_000_000
QUICK_COUNT: Final = 10_000
RANDOM_IN_JOB: Final = 500
MOST_RANDOM: Final = 3
"""Random schedules at most, for each that is wanted: short ones may come up again."""
SHOWN: Final = 10
"""Broken schedules that are shortened and shown; the others are counted."""
PROGRESS_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """A part of the work: all schedules after ``opening``, or the random ones from ``first`` on."""

    opening: tuple[str, ...] = ()
    depth: int = 0
    seed: int = 0
    first: int = 0
    count: int = 0

    @property
    def is_random(self) -> bool:
        """Whether its schedules are random."""
        return self.count > 0


@dataclass(slots=True)
class Outcome:
    """What came of one job, or of several."""

    enumerated: int = 0
    random: int = 0
    broken: int = 0
    found: list[Violation] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    schedules: set[int] = field(default_factory=set)
    """A digest of each, so that what comes up twice counts once."""

    def add(self, other: Outcome) -> None:
        """Take another one's figures in."""
        self.enumerated += other.enumerated
        self.random += other.random
        self.broken += other.broken
        self.found += other.found
        self.happened += other.happened
        self.schedules |= other.schedules

    @property
    def interleavings(self) -> int:
        """How many different ones."""
        return len(self.schedules)


@dataclass(frozen=True, slots=True)
class Row:
    """The result; ``interleavings`` counts different ones."""

    interleavings: int
    enumerated: int
    random: int
    steps_after_opening: int
    invariants: int
    violations: int
    seconds: float
    ms_each: float


def depth_for(count: int) -> int:
    """How many steps are enumerated: what takes about half of ``count`` (5 000 schedules for two, nine times as many for each more)."""
    depth = 1
    while 5_000 * 9 ** (depth - 1) <= count // 2:
        depth += 1
    return depth


def jobs_for(count: int, depth: int, seed: int) -> Iterator[Job]:
    """The enumeration, then random schedules, more than enough for ``count`` different ones."""
    openings = [tuple(actions.parsed(line)) for line in OPENINGS]
    for opening in openings:
        yield Job(opening, depth=0)
        yield from (Job(tuple(steps), depth=depth - 1) for steps in first_steps(opening))
    for first in range(0, MOST_RANDOM * count, RANDOM_IN_JOB):
        yield Job(seed=seed, first=first, count=RANDOM_IN_JOB)


def _prepare() -> None:
    """What is there before the first conversation is never garbage, and need not be gone through again and again.

    What conversations log of failures that were put into them is not told.
    """
    logging.disable(logging.CRITICAL)
    gc.disable()
    gc.collect()
    gc.freeze()


def done(job: Job) -> Outcome:
    """Play and check all conversations of a job."""
    outcome = Outcome()
    for place, (number, world) in enumerate(_conversations(job)):
        outcome.schedules.add(_digest(world.done))
        outcome.happened.update(type(happened.event).__name__ for happened in world.record.happened)
        if violations(world.record):
            outcome.broken += 1
            if outcome.broken <= SHOWN and (found := violation_in(world, number)):
                outcome.found.append(found)
        outcome.random += job.is_random
        outcome.enumerated += not job.is_random
        if place % 100 == 0:
            gc.collect()
    return outcome


def _digest(schedule: Sequence[str]) -> int:
    return int.from_bytes(hashlib.blake2b(" ".join(schedule).encode(), digest_size=8).digest())


def _conversations(job: Job) -> Iterator[tuple[str, World]]:
    if job.is_random:
        return ((f"{job.seed}:{number}", random_conversation(job.seed, number)) for number in range(job.first, job.first + job.count))
    return ((f"{' '.join(job.opening)} / {place}", world) for place, world in enumerate(enumerated(job.opening, job.depth)))


def run(count: int, depth: int, seed: int, processes: int) -> Outcome:
    """All of it, telling how far it has got."""
    total = Outcome()
    with multiprocessing.Pool(processes, _prepare) as pool:
        for outcome in _with_progress(pool.imap_unordered(done, jobs_for(count, depth, seed)), count, total):
            total.add(outcome)
            print(*outcome.found, sep="\n", end="\n" if outcome.found else "", file=sys.stderr, flush=True)
            if total.interleavings >= count:
                break
    return total


def _with_progress(outcomes: Iterable[Outcome], count: int, total: Outcome) -> Iterator[Outcome]:
    began = told = time.monotonic()
    for outcome in outcomes:
        yield outcome
        now = time.monotonic()
        if now - told >= PROGRESS_EVERY_S:
            told = now
            print(
                f"{total.interleavings} of {count}, {total.broken} broken, {total.interleavings / (now - began):.0f} a second",
                file=sys.stderr,
                flush=True,
            )


def replay(line: str) -> int:
    """Play one schedule and tell what happens; the exit code."""
    world = play_schedule(actions.parsed(line))
    told = [(happened.at, str(happened.event)) for happened in world.record.happened]
    last: list[str] = []
    for heard in world.record.heard:
        words = [word.text for word in heard.words]
        if words != last:
            told.append((heard.at, f"    {heard.at_s:.2f} s: {' '.join(words)}"))
        last = words
    for _at, what in sorted(told):
        print(what)
    broken = violations(world.record)
    print(*(broken or ["Nothing is broken."]), sep="\n")
    return int(bool(broken))


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--count", type=int, default=None, metavar="N", help=f"how many interleavings ({COUNT})")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="how many at the same time (2)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random ones (1)")
    parser.add_argument("--replay", metavar="SCHEDULE", help="play this one alone and tell what happens")
    return parser.parse_args()


def main() -> int:
    """Search and print; the exit code."""
    wanted = _arguments()
    if wanted.replay is not None:
        try:
            return replay(wanted.replay)
        except ValueError as problem:
            print(f"{problem} The actions are {', '.join(actions.EVERY)}, and at the end {' or '.join(actions.LAST)}.", file=sys.stderr)
            return 2
    count = wanted.count or (QUICK_COUNT if wanted.quick else COUNT)
    depth = depth_for(count)
    began = time.monotonic()
    total = run(count, depth, wanted.seed, wanted.processes)
    seconds = time.monotonic() - began
    for violation in total.found[:SHOWN]:
        print(violation)
    print("What happened in them:", ", ".join(f"{kind} {times}" for kind, times in total.happened.most_common()))
    row = Row(
        interleavings=total.interleavings,
        enumerated=total.enumerated,
        random=total.random,
        steps_after_opening=depth,
        invariants=len(INVARIANTS),
        violations=total.broken,
        seconds=round(seconds, 1),
        ms_each=round(1000 * seconds * wanted.processes / (total.enumerated + total.random), 2),
    )
    publish("interleavings", [asdict(row)], wanted.json, "Conversations in virtual time, each in another order")
    return int(total.broken > 0)


if __name__ == "__main__":
    sys.exit(main())
