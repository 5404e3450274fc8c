"""How many WebSocket calls at real time one Parley process carries, with stub engines.

    python benchmarks/load.py [--quick] [--message-ms 128] [--idle 0] [--json FILE] [--plot FILE]

The server is one process with one event loop; the callers are another. Each caller sends raw PCM in messages of 128 ms, as the settings
advise: room noise, and every 12 s a recorded question of 3 s, which is answered; every caller hears through the detector of a real call.
Callers join and speak at different times. Lag is how late a timer of 10 ms is in the server. Memory is what a call adds to the process.
Response is from the last sample of a question to the first message of sound of its answer, which the stub engines make in about half a
second; a message is sent when its last sample has been recorded. At the end some more callers than are admitted ask, and must be refused
in words.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness.load_callers import SECOND_BYTES, Callers
from benchmarks.harness.server_process import ServerProcess
from benchmarks.load_picture import draw
from benchmarks.report import argument_parser, median, percentile, publish
from errors import ParleyError

LEVELS: Final = (1, 50, 100, 150, 200, 250, 300, 350)
QUICK_LEVELS: Final = (1, 50, 250)
SETTLING_S: Final = 4.0
HELD_S: Final = 12.0
TOO_MANY: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """So many calls at once."""

    calls: int
    lag_p50_ms: float
    lag_p99_ms: float
    lag_most_ms: float
    cpu_percent: float
    mb_per_call: float
    response_p50_ms: float
    response_p95_ms: float
    answers: int
    unanswered: int
    frames_dropped: int


async def measure(levels: Sequence[int], message_bytes: int, idle: int) -> tuple[list[Row], list[str]]:
    """A row for each level, and what those were told who were too many."""
    server = await ServerProcess.start("benchmarks.harness.load_server", str(max(levels) + idle))
    begun = await server.told()
    rows = []
    try:
        async with Callers(f"http://127.0.0.1:{begun['port']}/ws/voice", message_bytes) as callers:
            await callers.add_idle(idle)
            for level in levels:
                await callers.grow_to(level)
                await asyncio.sleep(SETTLING_S)
                await server.figures()
                callers.forget()
                await asyncio.sleep(HELD_S)
                rows.append(_row(level, await server.figures(), begun["rss_mb"], callers, idle))
            refusals = [await callers.refused() for _ in range(TOO_MANY)]
    finally:
        await server.stop()
    return rows, refusals


def _row(calls: int, figures: dict[str, Any], empty_mb: float, callers: Callers, idle: int) -> Row:
    responses = callers.responses_s
    return Row(
        calls=calls,
        lag_p50_ms=round(figures["lag_p50_ms"], 2),
        lag_p99_ms=round(figures["lag_p99_ms"], 2),
        lag_most_ms=round(figures["lag_most_ms"], 2),
        cpu_percent=round(figures["cpu_percent"], 1),
        mb_per_call=round((figures["rss_mb"] - empty_mb) / (calls + idle), 2),
        response_p50_ms=round(1000 * median(responses)),
        response_p95_ms=round(1000 * percentile(responses, 95)),
        answers=len(responses),
        unanswered=callers.unanswered,
        frames_dropped=figures["frames_dropped"],
    )


def main() -> int:
    """Measure and print; the exit code."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curve there (PNG)")
    parser.add_argument("--message-ms", type=int, default=128, help="how much sound is sent in a message")
    parser.add_argument("--idle", type=int, default=0, help="so many more sockets are open and send nothing")
    wanted = parser.parse_args()
    try:
        levels, message_bytes = QUICK_LEVELS if wanted.quick else LEVELS, wanted.message_ms * SECOND_BYTES // 1000
        rows, refusals = asyncio.run(measure(levels, message_bytes, wanted.idle))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("load", rows, wanted.json, "WebSocket calls at real time, stub engines, one process")
    print(f"{len(refusals)} callers too many: {', '.join(sorted(set(refusals)))}")
    if wanted.plot:
        draw(rows, wanted.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
