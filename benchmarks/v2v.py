"""From the last sample of a question to the first audible sample of the answer: Parley, Pipecat and LiveKit Agents side by side.

    python benchmarks/v2v.py [--real] [--peers none|pipecat|livekit|both] [--picture FILE] [--quick] [--json FILE]

All hear the same microphone (20 ms packets on absolute deadlines), play into the same speaker and follow the same script, one system after
the other. With stub engines (speech to text 100 ms, first token 200 ms, 20 ms a token, first sound 100 ms, 200 ms of silence end a turn) a
system that begins its work when the turn has ended takes 660 ms at least; what it takes more is its own. Speech is detected by loudness,
in windows of 10 ms and of 32 ms, as long as a model's. ``--real`` uses the same models for all (Whisper tiny.en, Piper en_US-joe-medium, a
language model behind HTTP that streams a fixed reply) on recorded questions: once with the same 200 ms of silence and the same single beam
for all, and once each as it comes, with its own model of turn ends and Whisper's usual five beams for the peers.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness.script import Delays
from benchmarks.harness.session import Figures
from benchmarks.pictures import Bar, draw_bars
from benchmarks.report import median, percentile, publish
from benchmarks.side_by_side import PARLEY, Program, comparing_parser, measured, parley, peers_of
from benchmarks.stub_service import stub_service
from config import load_settings
from errors import ParleyError
from models import path_of

SPEECH: Final = Path(__file__).resolve().parent.parent / "tests" / "speech"
QUESTIONS: Final = ("ast_tt-allbusy.wav", "card_001.wav", "ast_conf-extended.wav", "card_003.wav", "goforward.wav")
SESSIONS: Final = 4
TURNS: Final = 6
REAL_TURNS: Final = 10
QUICK_TURNS: Final = 2
QUICK_REAL_TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One system in one setting. ``over_bound`` is in milliseconds over what stub engines take."""

    system: str
    setting: str
    turns: int
    p50_ms: float
    p95_ms: float
    over_bound_p50: float
    over_bound_p95: float
    missed: int
    cpu_s_per_min: float
    mic_lag_ms: float


@dataclass(frozen=True, slots=True)
class Run:
    """What is run for one row."""

    program: Program
    options: tuple[str, ...]


def stub_runs(peers: Sequence[Program], quick: bool) -> list[Run]:
    """Everything with stub engines."""
    size = ("--sessions", "1" if quick else str(SESSIONS), "--turns", str(QUICK_TURNS if quick else TURNS))
    runs = []
    for hop_ms in (10, 32):
        ours = [
            parley().with_options(f"begins at turn end, {hop_ms} ms", "--extra", "late"),
            parley().with_options(f"speculates, {hop_ms} ms"),
        ]
        theirs = [peer.with_options(f"begins at turn end, {hop_ms} ms") for peer in peers]
        runs += [Run(program, (*size, "--hop-ms", str(hop_ms))) for program in (*ours, *theirs)]
    return runs


def real_runs(peers: Sequence[Program], quick: bool, models: Sequence[str]) -> list[Run]:
    """Everything with real engines."""
    size = ("--turns", str(QUICK_REAL_TURNS if quick else REAL_TURNS), "--silero", "--real", *models)
    clips = tuple(part for name in QUESTIONS for part in ("--clip", str(SPEECH / name)))
    alike = [Run(program.with_options("alike"), (*size, *clips)) for program in (parley(), *peers)]
    own = [Run(program.with_options("as it comes", "--beams", "5"), (*size, *clips, "--own-turn-model")) for program in peers]
    ours = Run(parley().with_options("as it comes"), (*size, *clips, "--own-turn-model"))
    embedded = Run(parley().with_options("alike, embedded model thinks", "--extra", "embedded"), (*size, *clips))
    return [*alike, ours, *own, embedded]


def row_of(program: Program, figures: Figures, bound_s: float) -> Row:
    """The figures of one run as a line of the table."""
    taken_ms = [1000 * seconds for seconds in figures.voice_to_voice_s]
    middle, late = median(taken_ms), percentile(taken_ms, 95)
    return Row(
        system=program.name,
        setting=program.setting,
        turns=len(taken_ms),
        p50_ms=round(middle, 1),
        p95_ms=round(late, 1),
        over_bound_p50=round(middle - 1000 * bound_s, 1),
        over_bound_p95=round(late - 1000 * bound_s, 1),
        missed=figures.missed,
        cpu_s_per_min=figures.cpu_s_per_min,
        mic_lag_ms=figures.mic_lag_ms,
    )


def spans_of(figures: Figures) -> dict[str, float]:
    """Parley's own account of where the time goes: the median of each span, in milliseconds."""
    spans: list[dict[str, Any]] = figures.notes.get("spans_ms", [])
    names = dict.fromkeys(name for row in spans for name in row)
    return {name: round(median([row[name] for row in spans if name in row]), 1) for name in names}


async def measure(runs: Sequence[Run], any_load: bool) -> list[Row]:
    """One run after the other."""
    rows = []
    for run in runs:
        figures = await measured(run.program, run.options, any_load=any_load)
        rows.append(row_of(run.program, figures, Delays().bound_s))
        if run.program.is_parley:
            print(f"  {spans_of(figures)}", file=sys.stderr)
    return rows


async def measure_real(peers: Sequence[Program], quick: bool, any_load: bool) -> list[dict[str, Any]]:
    """With the models on disk, and the service that thinks; overhead means nothing here."""
    models_dir = load_settings().models_dir
    voice = next(path_of("piper-joe-medium", models_dir).glob("*.onnx"))
    models = ("--whisper", str(path_of("whisper-tiny.en", models_dir)), "--voice", str(voice))
    async with stub_service(Delays()) as url:
        rows = await measure(real_runs(peers, quick, (*models, "--brain-url", url)), any_load)
    return [{key: value for key, value in asdict(row).items() if not key.startswith("over")} for row in rows]


def draw(rows: Sequence[dict[str, Any]], file: Path, real: bool) -> None:
    """The rows as bars: the median solid, up to the 95th percentile pale."""
    title = "Voice to voice, same models, 2 cores" if real else "Voice to voice with stub engines"
    bars = [Bar(f"{row['system']}: {row['setting']}", row["p50_ms"], row["p95_ms"], row["system"] == PARLEY) for row in rows]
    draw_bars(
        bars, title, "ms from the last sample of the question to the first of the answer", file, None if real else 1000 * Delays().bound_s
    )


def main() -> int:
    """Measure and print; the exit code."""
    parser = comparing_parser(__doc__ or "")
    parser.add_argument("--real", action="store_true", help="real engines instead of stubs")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the figures there (PNG)")
    wanted = parser.parse_args()
    try:
        peers = peers_of(wanted.peers)
        if wanted.real:
            rows = asyncio.run(measure_real(peers, wanted.quick, wanted.any_load))
        else:
            rows = [asdict(row) for row in asyncio.run(measure(stub_runs(peers, wanted.quick), wanted.any_load))]
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish(
        "v2v-real" if wanted.real else "v2v",
        rows,
        wanted.json,
        "Voice to voice, " + ("real engines" if wanted.real else "stub engines, bound 660 ms"),
    )
    if wanted.picture:
        draw(rows, wanted.picture, wanted.real)
    return 0


if __name__ == "__main__":
    sys.exit(main())
