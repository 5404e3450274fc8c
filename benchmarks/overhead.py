"""What one frame costs Parley: hearing 10 ms of a participant, and pulling 10 ms for the line; and how late the event loop gets in a call.

    python benchmarks/overhead.py [--quick] [--json FILE]

Without models and without waiting, in a tight loop: the median over rounds, in microseconds of one core. Hearing goes through
``Conversation.hear`` with the detector of a call, on silence, on room noise and on recorded speech (which costs Silero's time as well). The
lateness of the event loop is that of a timer of 10 ms, while so many conversations with stub engines are under way.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from audio.pcm import HEARING_FRAME_BYTES, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ
from audio.playout import PlayingClause, Playout
from audio.vad import GatedSilero
from benchmarks.harness.microphone import PACKET_BYTES
from benchmarks.harness.script import Delays, Prompter
from benchmarks.harness.sounds import clip, tone
from benchmarks.report import argument_parser, median, percentile, publish
from benchmarks.stub_engines import StubBrain, StubEar, StubVoice
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.events import EventBus
from calls.lines import Participant
from calls.lines.pacer import Pacer
from calls.manners import Manners
from errors import ParleyError

SPEECH: Final = Path(__file__).resolve().parent.parent / "tests" / "speech" / "jfk.wav"
CALLER: Final = Participant(1, "Ann", 101)
ROUNDS: Final = 30
FRAMES: Final = 500
NOISE_PEAK: Final = 60
TIMER_S: Final = 0.01
LOADS: Final = (1, 12)
TALKING_S: Final = 20.0
QUICK_TALKING_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured; microseconds a frame, or of lateness. With 100 frames a second, 1 µs a frame is 0.01 % of a core."""

    what: str
    p50_us: float
    p95_us: float


def row_of(what: str, costs_us: Sequence[float]) -> Row:
    """A line of the table."""
    return Row(what, round(median(costs_us), 2), round(percentile(costs_us, 95), 2))


def timed(work: Callable[[], object], frames: int, rounds: int) -> list[float]:
    """Microseconds of one frame, in each of so many rounds of ``work``, which handles ``frames``."""
    costs = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        costs.append(1e6 * (time.perf_counter() - began) / frames)
    return costs


def frames_of(pcm: bytes, size: int) -> list[bytes]:
    """Whole frames only."""
    return [pcm[start : start + size] for start in range(0, len(pcm) - size + 1, size)]


def conversation(playout: Playout) -> Conversation:
    """One that hears as in a call and has nothing to answer with."""
    delays, prompter = Delays(), Prompter()
    engines = Engines(StubEar(delays, prompter), StubBrain(delays, prompter), StubVoice(delays))
    return Conversation(-1, engines, Manners(), playout, EventBus())


async def hearing_rows(rounds: int) -> list[Row]:
    """What hearing costs, and of it the detector."""
    noise = np.random.default_rng(1).integers(-NOISE_PEAK, NOISE_PEAK, FRAMES * HEARING_FRAME_BYTES // 2).astype("<i2").tobytes()
    sounds = {"silence": bytes(FRAMES * HEARING_FRAME_BYTES), "room noise": noise, "speech": clip(SPEECH)}
    rows = []
    for name, pcm in sounds.items():
        frames = frames_of(pcm, HEARING_FRAME_BYTES)
        talk = conversation(Playout(time.perf_counter))
        running = asyncio.create_task(talk.run())
        await asyncio.sleep(0)

        def hear(talk: Conversation = talk, frames: Sequence[bytes] = frames) -> None:
            for frame in frames:
                talk.hear(CALLER, frame)

        detector = GatedSilero()

        def detect(detector: GatedSilero = detector, frames: Sequence[bytes] = frames) -> None:
            for frame in frames:
                detector.feed(frame)

        rows.append(row_of(f"hearing a frame of {name}", timed(hear, len(frames), rounds)))
        rows.append(row_of("  of which the detector", timed(detect, len(frames), rounds)))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return rows


def playout_rows(rounds: int) -> list[Row]:
    """What a pull by the line costs."""
    silent = Playout(time.perf_counter)
    return [
        row_of("pulling a frame of silence", timed(lambda: _pull(silent), FRAMES, rounds)),
        row_of("pulling a frame of a reply", [_speaking(ducked=False) for _ in range(rounds)]),
        row_of("pulling a ducked frame", [_speaking(ducked=True) for _ in range(rounds)]),
    ]


def _pull(playout: Playout) -> None:
    for _ in range(FRAMES):
        playout.read()


def _speaking(ducked: bool) -> float:
    playout, clause = Playout(time.perf_counter), PlayingClause("hello", 1)
    clause.append(tone((FRAMES + 1) * PLAYOUT_FRAME_BYTES / 2 / PLAYOUT_RATE_HZ, PLAYOUT_RATE_HZ))
    playout.say(clause)
    if ducked:
        playout.duck()
    return timed(lambda: _pull(playout), FRAMES, 1)[0]


async def lateness_row(conversations: int, seconds: float) -> Row:
    """How late a timer is while people talk with stub engines."""
    pacer, calls = Pacer(), []
    for _ in range(conversations):
        playout = Playout(asyncio.get_running_loop().time)
        talk = conversation(playout)
        calls.append((talk, playout, asyncio.create_task(talk.run())))
        pacer.add(talk, _pulling(playout))
    late_us: list[float] = []
    timer = asyncio.create_task(_watch_timer(late_us))
    await _speak_to([talk for talk, _, _ in calls], seconds)
    timer.cancel()
    for talk, _, running in calls:
        pacer.remove(talk)
        running.cancel()
    await asyncio.gather(timer, *(running for _, _, running in calls), return_exceptions=True)
    return row_of(f"a 10 ms timer is late, {conversations} talking", late_us)


def _pulling(playout: Playout) -> Callable[[], None]:
    def pull() -> None:
        playout.read()

    return pull


async def _watch_timer(late_us: list[float]) -> None:
    while True:
        due_s = time.perf_counter() + TIMER_S
        await asyncio.sleep(TIMER_S)
        late_us.append(1e6 * (time.perf_counter() - due_s))


async def _speak_to(talks: Sequence[Conversation], seconds: float) -> None:
    """Recorded speech to all of them, in packets of 20 ms, over and over."""
    packets = frames_of(clip(SPEECH), PACKET_BYTES)
    due_s = time.perf_counter()
    for number in range(int(seconds / 0.02)):
        due_s += 0.02
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        for talk in talks:
            for frame in frames_of(packets[number % len(packets)], HEARING_FRAME_BYTES):
                talk.hear(CALLER, frame)


async def measure(quick: bool) -> list[Row]:
    """All rows."""
    rounds = ROUNDS // 5 if quick else ROUNDS
    rows = [*await hearing_rows(rounds), *playout_rows(rounds)]
    for conversations in LOADS:
        rows.append(await lateness_row(conversations, QUICK_TALKING_S if quick else TALKING_S))
    return rows


def main() -> int:
    """Measure and print; the exit code."""
    wanted = argument_parser(__doc__ or "").parse_args()
    try:
        rows = asyncio.run(measure(wanted.quick))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("overhead", rows, wanted.json, "Parley's cost of one frame of 10 ms, and the event loop's lateness")
    return 0


if __name__ == "__main__":
    sys.exit(main())
