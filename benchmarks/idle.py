"""What a session costs while nobody speaks, and what talking costs without models: Parley, Pipecat and LiveKit Agents side by side.

    python benchmarks/idle.py [--peers none|pipecat|livekit|both] [--quick] [--json FILE]

Silent sessions hear a microphone that is open and silent, 1 and 50 of them in one process; Parley's are pulled by its pacer every 10 ms as
in a call, and listen with the detector of a call. Talking sessions have stub engines and follow the script of v2v.py, 4 in one process.
Processor time is per session and minute, of the whole process: the microphone, which costs the same everywhere, is a line of its own, and
so is a process that wakes up every 10 ms besides, as whoever sends sound must, and does nothing. An extra session's memory is the
difference between many sessions and one, divided by how many more they are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness.session import Figures
from benchmarks.report import publish
from benchmarks.side_by_side import Program, comparing_parser, measured, parley, peers_of
from errors import ParleyError

MANY: Final = 50
SILENT_S: Final = 60
QUICK_SILENT_S: Final = 8
TALKING: Final = ("--sessions", "4", "--turns", "6", "--barge-ins", "2", "--hop-ms", "32")
QUICK_TALKING: Final = ("--sessions", "4", "--turns", "2", "--hop-ms", "32")
MICROPHONE: Final = Program("(microphone alone)", (sys.executable, "-m", "benchmarks.harness.nothing_session"))
WAKEFUL: Final = Program("(and 100 wake-ups a second)", (*MICROPHONE.command, "--extra", "wakeful"))


@dataclass(frozen=True, slots=True)
class Row:
    """One system. Processor times in seconds per session and minute."""

    system: str
    cpu_s_1_silent: float
    cpu_s_each_of_50_silent: float
    cpu_s_talking: float
    mb_imported: float
    mb_first_session: float
    mb_extra_session: float
    tasks_per_session: float
    mic_lag_ms: float


def row_of(program: Program, one: Figures, many: Figures, talking: Figures) -> Row:
    """A line of the table from three runs."""
    held_one, held_many = (run.rss_mb_per_session * run.sessions for run in (one, many))
    return Row(
        system=program.name,
        cpu_s_1_silent=round(one.cpu_s_per_min, 3),
        cpu_s_each_of_50_silent=round(many.cpu_s_per_min, 3),
        cpu_s_talking=round(talking.cpu_s_per_min, 3),
        mb_imported=one.rss_import_mb,
        mb_first_session=round(held_one, 1),
        mb_extra_session=round((held_many - held_one) / (many.sessions - one.sessions), 2),
        tasks_per_session=many.tasks_per_session,
        mic_lag_ms=max(one.mic_lag_ms, talking.mic_lag_ms),
    )


async def measure(programs: Sequence[Program], quick: bool, any_load: bool) -> list[Row]:
    """All runs, one after the other."""
    rows = []
    silent = ("--silent", str(QUICK_SILENT_S if quick else SILENT_S))
    for program in programs:
        listening = ("--silero",) if program.is_parley else ()
        one = await measured(program, (*silent, *listening), any_load=any_load)
        many = await measured(program, (*silent, *listening, "--sessions", str(MANY)), any_load=any_load)
        talking = await measured(program, QUICK_TALKING if quick else TALKING, any_load=any_load)
        rows.append(row_of(program, one, many, talking))
    return rows


def main() -> int:
    """Measure and print; the exit code."""
    wanted = comparing_parser(__doc__ or "").parse_args()
    try:
        rows = asyncio.run(measure([parley(), *peers_of(wanted.peers), MICROPHONE, WAKEFUL], wanted.quick, wanted.any_load))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("idle", rows, wanted.json, "Silence and talk, without models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
