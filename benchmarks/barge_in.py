"""How soon the voice gives way when somebody speaks over it, and whether it comes back when nobody wanted it to stop.

    python benchmarks/barge_in.py [--peers none|pipecat|livekit|both] [--picture FILE] [--quick] [--json FILE]

With stub engines and speech detected by loudness in windows of 32 ms (as long as a model's), in 1 session and in 12 of one process: two
seconds into a reply somebody speaks for 1.5 s. Counted from their first sample: when the voice has become plainly quieter, and the last
audible sample. Then, in 4 sessions, somebody coughs or says "mm-hm", "yeah", "right", "okay" over replies in which every word has a pitch
of its own: the recording shows whether the reply was heard to its end, and each word in it whole and once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness.script import SIGNS_OF_LISTENING
from benchmarks.harness.session import Figures
from benchmarks.pictures import Bar, draw_bars
from benchmarks.report import median, percentile, publish
from benchmarks.side_by_side import PARLEY, Program, comparing_parser, measured, parley, peers_of
from errors import ParleyError

SESSIONS: Final = (1, 12)
BARGE_INS: Final = {1: 12, 12: 4}
QUICK_BARGE_INS: Final = 2
LISTENING_SESSIONS: Final = 4
HOP: Final = ("--hop-ms", "32")
HELD_FROM_S: Final = 0.1
"""A shorter silence is none that a listener would notice."""


@dataclass(frozen=True, slots=True)
class Row:
    """Interruptions of one system."""

    system: str
    sessions: int
    interruptions: int
    duck_p50_ms: float
    duck_p95_ms: float
    silent_p50_ms: float
    silent_p95_ms: float
    missed: int
    cpu_s_per_min: float
    mic_lag_ms: float


@dataclass(frozen=True, slots=True)
class ListeningRow:
    """Signs of listening to one system. ``held`` is the silence until it went on."""

    system: str
    signs: int
    stopped_percent: float
    never_silent: int
    held_p50_ms: float
    held_p95_ms: float
    words_skipped: int
    words_repeated: int


def row_of(program: Program, figures: Figures) -> Row:
    """The interruptions of one run."""
    duck_ms = [1000 * seconds for seconds in figures.duck_s]
    silence_ms = [1000 * seconds for seconds in figures.silence_s]
    return Row(
        system=program.name,
        sessions=figures.sessions,
        interruptions=len(silence_ms),
        duck_p50_ms=round(median(duck_ms), 1),
        duck_p95_ms=round(percentile(duck_ms, 95), 1),
        silent_p50_ms=round(median(silence_ms), 1),
        silent_p95_ms=round(percentile(silence_ms, 95), 1),
        missed=figures.missed,
        cpu_s_per_min=figures.cpu_s_per_min,
        mic_lag_ms=figures.mic_lag_ms,
    )


def listening_row_of(program: Program, figures: Figures) -> ListeningRow:
    """The signs of listening of one run."""
    finished = [listening for listening in figures.listenings if listening["finished"]]
    held_ms = [1000 * listening["silent_s"] for listening in finished if listening["silent_s"] >= HELD_FROM_S]
    return ListeningRow(
        system=program.name,
        signs=len(figures.listenings),
        stopped_percent=round(100 * (1 - len(finished) / max(1, len(figures.listenings))), 1),
        never_silent=len(finished) - len(held_ms),
        held_p50_ms=round(median(held_ms), 1),
        held_p95_ms=round(percentile(held_ms, 95), 1),
        words_skipped=sum(len(listening["skipped"]) for listening in finished),
        words_repeated=sum(len(listening["repeated"]) for listening in finished),
    )


async def measure(programs: Sequence[Program], quick: bool, any_load: bool) -> tuple[list[Row], list[ListeningRow]]:
    """All runs, one after the other."""
    rows, listening_rows = [], []
    for sessions in SESSIONS:
        for program in programs:
            size = ["--sessions", str(sessions), "--barge-ins", str(QUICK_BARGE_INS if quick else BARGE_INS[sessions])]
            rows.append(row_of(program, await measured(program, [*HOP, *size], any_load=any_load)))
    for program in programs:
        size = ["--sessions", str(1 if quick else LISTENING_SESSIONS), "--listenings", str(len(SIGNS_OF_LISTENING))]
        listening_rows.append(listening_row_of(program, await measured(program, [*HOP, *size], any_load=any_load)))
    return rows, listening_rows


def draw(rows: Sequence[Row], file: Path) -> None:
    """How long until silence, as bars; Parley's ducking as well."""
    bars = []
    for row in rows:
        label = f"{row.system}, {row.sessions} session{'s' if row.sessions > 1 else ''}"
        if row.system == PARLEY:
            bars.append(Bar(f"{label}: quieter", row.duck_p50_ms, row.duck_p95_ms, True))
        bars.append(Bar(f"{label}: silent", row.silent_p50_ms, row.silent_p95_ms, row.system == PARLEY))
    draw_bars(bars, "Somebody speaks over the bot", "ms from their first sample", file)


def main() -> int:
    """Measure and print; the exit code."""
    parser = comparing_parser(__doc__ or "")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the figures there (PNG)")
    wanted = parser.parse_args()
    try:
        programs = [parley(), *peers_of(wanted.peers)]
        rows, listening_rows = asyncio.run(measure(programs, wanted.quick, wanted.any_load))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("barge_in", rows, wanted.json, "Interruptions")
    signs: list[dict[str, Any]] = [asdict(row) for row in listening_rows]
    publish("barge_in-listening", signs, wanted.json and wanted.json.with_suffix(".listening.json"), "Coughs and signs of listening")
    if wanted.picture:
        draw(rows, wanted.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
