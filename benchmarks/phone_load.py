"""How many telephone calls at real time one Parley process carries, with stub engines and the carrier in a box.

    python benchmarks/phone_load.py [--quick] [--json FILE]

The server is one process with one event loop; the carrier with all callers is another. Each caller asks a recorded question of 3 s, is
answered at length, and interrupts the answer after 2 s; a cycle lasts 15 s, and callers are spread over it. Of every hundred packets that
callers send one is lost and two are overtaken. Lag is how late a timer of 10 ms is in the server. Memory is what a call adds to the
process. Response is from the last packet of a question to the first audible one of its answer; silence is from the first packet of an
interruption's speech to the last audible one that the caller hears of the answer. The carrier takes 20 ms for everything, each way.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness.load_callers import GOLDEN, SPEECH
from benchmarks.harness.phone_server import ACCOUNT, OWN_NUMBER, SECRET
from benchmarks.harness.server_process import ServerProcess
from benchmarks.harness.sounds import clip, from_first_word
from benchmarks.report import argument_parser, median, percentile, publish
from control.http.twilio import VOICE_PATH
from loopback.carrier.server import CarrierCall, LoopbackCarrier, Person
from loopback.carrier.stream import CarrierStream, Weather

LEVELS: Final = (1, 10, 20, 30)
QUICK_LEVELS: Final = (30,)
NOTICE_S: Final = 12.0
CYCLE_S: Final = 15.0
HELD_S: Final = 30.0
INTO_THE_ANSWER_S: Final = 2.0
ANSWERED_WITHIN_S: Final = 6.0
SILENT_WITHIN_S: Final = 2.5
PAUSE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Row:
    """So many calls at once."""

    calls: int
    lag_p99_ms: float
    lag_most_ms: float
    cpu_percent: float
    mb_per_call: float
    answers: int
    unanswered: int
    response_p50_ms: float
    response_p95_ms: float
    interruptions: int
    silence_p50_ms: float
    silence_p95_ms: float
    frames_dropped: int


@dataclass
class Callers:
    """What all of them have seen since it was forgotten last; in seconds."""

    responses_s: list[float] = field(default_factory=list)
    silences_s: list[float] = field(default_factory=list)
    unanswered: int = 0

    def forget(self) -> None:
        """What is counted begins anew."""
        self.responses_s, self.silences_s, self.unanswered = [], [], 0

    async def talk(self, stream: CarrierStream, question: bytes, wait_s: float) -> None:
        """Ask, listen, interrupt; until cancelled."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(NOTICE_S + wait_s)
        while True:
            began_s = clock()
            await asyncio.sleep(stream.say(question))
            asked_s = clock()
            if await _audible_after(stream, asked_s):
                self.responses_s.append(_first_audible(stream, asked_s) - asked_s)
                await self._interrupt(stream, question)
            else:
                self.unanswered += 1
            await asyncio.sleep(max(0.0, began_s + CYCLE_S - clock()))

    async def _interrupt(self, stream: CarrierStream, question: bytes) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(INTO_THE_ANSWER_S)
        began_s = clock()
        stream.say(from_first_word(question)[: len(question) // 4 * 2])
        await asyncio.sleep(SILENT_WITHIN_S)
        self.silences_s.append(_silent_from(stream, began_s) - began_s)
        stream.heard.clear()


def _silent_from(stream: CarrierStream, began_s: float) -> float:
    """When the answer that sounded at ``began_s`` was last heard; what comes after a pause is another answer."""
    last_s = began_s
    for each in stream.heard:
        if each.audible and last_s < each.at_s <= last_s + PAUSE_S:
            last_s = each.at_s
    return last_s


async def _audible_after(stream: CarrierStream, at_s: float) -> bool:
    for _ in range(round(ANSWERED_WITHIN_S / 0.05)):
        if any(each.audible and each.at_s > at_s for each in stream.heard[-20:]):
            return True
        await asyncio.sleep(0.05)
    return False


def _first_audible(stream: CarrierStream, at_s: float) -> float:
    return next(each.at_s for each in stream.heard if each.audible and each.at_s > at_s)


async def measure(levels: Sequence[int]) -> list[Row]:
    """A row for each level."""
    rows, question, callers = [], clip(SPEECH), Callers()
    async with LoopbackCarrier(ACCOUNT, SECRET, OWN_NUMBER) as carrier, asyncio.TaskGroup() as talks:
        server = await ServerProcess.start("benchmarks.harness.phone_server", str(max(levels)), carrier.url)
        try:
            begun = await server.told()
            talking: list[asyncio.Task[None]] = []
            for level in levels:
                while len(talking) < level:
                    stream = await _called(carrier, f"http://127.0.0.1:{begun['port']}{VOICE_PATH}", len(talking))
                    wait_s = GOLDEN * len(talking) * CYCLE_S % CYCLE_S
                    talking.append(talks.create_task(callers.talk(stream, question, wait_s)))
                await asyncio.sleep(NOTICE_S + CYCLE_S)
                await server.figures()
                callers.forget()
                await asyncio.sleep(HELD_S)
                rows.append(_row(level, await server.figures(), begun["rss_mb"], callers))
            for task in talking:
                task.cancel()
        finally:
            await server.stop()
    return rows


async def _called(carrier: LoopbackCarrier, voice_url: str, place: int) -> CarrierStream:
    person = Person(weather=Weather(lost=0.01, overtaken=0.02, seed=place), delay_s=0.02)
    call: CarrierCall = await carrier.call_in(voice_url, f"+346{place:08d}", person)
    async with asyncio.timeout(10):
        await call.streaming.wait()
    assert call.stream is not None
    return call.stream


def _row(calls: int, figures: dict[str, Any], empty_mb: float, callers: Callers) -> Row:
    return Row(
        calls=calls,
        lag_p99_ms=round(figures["lag_p99_ms"], 2),
        lag_most_ms=round(figures["lag_most_ms"], 2),
        cpu_percent=round(figures["cpu_percent"], 1),
        mb_per_call=round((figures["rss_mb"] - empty_mb) / calls, 2),
        answers=len(callers.responses_s),
        unanswered=callers.unanswered,
        response_p50_ms=round(1000 * median(callers.responses_s)),
        response_p95_ms=round(1000 * percentile(callers.responses_s, 95)),
        interruptions=len(callers.silences_s),
        silence_p50_ms=round(1000 * median(callers.silences_s)),
        silence_p95_ms=round(1000 * percentile(callers.silences_s, 95)),
        frames_dropped=figures["frames_dropped"],
    )


def main() -> int:
    """Measure and print; the exit code."""
    wanted = argument_parser(__doc__ or "").parse_args()
    rows = asyncio.run(measure(QUICK_LEVELS if wanted.quick else LEVELS))
    publish("phone_load", rows, wanted.json, "Telephone calls at real time, stub engines, one process")
    return 0


if __name__ == "__main__":
    sys.exit(main())
