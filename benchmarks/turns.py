"""Who is cut off, and how long does everybody wait? The silence rule of a voice activity detector alone, against sound, words and silence.

    python benchmarks/turns.py [--speech DIR ...] [--whisper base|tiny.en] [--heard FILE] [--keep FILE] [--quick] [--json FILE]

DIR holds ``manifest.json`` and clips. Pauses are put in between words: in the middle of a sentence that is somebody who pauses and goes on;
where a sentence of the clip ends, somebody who has finished. The real detector, the real turn model and the real Whisper hear each of
them in real time, as in a call. What they say counts from the moment they have said it, by the clock of this machine. Then the pauses are
given several lengths, and a pause that is taken for an end is a false cut-off. Added latency is the silence before a true end is accepted,
as the detector hears it; its mean is made equal for both ways, by scaling the waits, so that the cut-offs can be compared. The interval
behind each ratio holds 95 % of what comes out when the clips are drawn anew, with replacement. No clip of the project's own took part in
finding the weights (``benchmarks/fit_turns.py``).
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from audio.stt.whisper import WhisperEngine
from audio.turn_model import MODEL_NAME, TurnModel
from benchmarks.cutoffs import AS_IT_IS, PAUSES_S, Decide, by_evidence, by_silence, curve_of, interval
from benchmarks.pause_hearing import Listeners, Pause, load_pauses, save_pauses
from benchmarks.pauses import stimuli
from benchmarks.report import argument_parser, median, percentile, publish
from benchmarks.stt import DEFAULT_SPEECH, Clip, read_clips
from benchmarks.word_times import WordTimes
from calls.pause_reader import MOST_READINGS
from calls.turns.patience import PROFILES
from config import load_settings
from errors import ParleyError
from models import path_of

LATENCIES_S: Final = (0.3, 0.6)
"""The mean added latencies at which the two ways are compared."""
DEFAULT_FOLDERS: Final = (DEFAULT_SPEECH, DEFAULT_SPEECH / "prompts")
QUICK_CLIPS: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One way to end turns at one mean latency."""

    way: str
    mean_latency_ms: float
    p95_latency_ms: float
    false_cutoffs_percent: float
    vad_alone_percent: float
    """The detector's cut-offs at the same mean latency."""
    of_vad_alone: float
    """The cut-offs as a share of the detector's."""
    at_least: float
    at_most: float


def row(way: str, pauses: Sequence[Pause], decide: Decide, mean_s: float | None) -> Row:
    """One line of the table, with what the detector alone does at the same mean latency; ``mean_s`` ``None``: the waits as they are."""
    curve, alone = curve_of(pauses, decide), curve_of(pauses, by_silence)
    column = AS_IT_IS if mean_s is None else curve.nearest(mean_s)
    reached_s = float(curve.mean_latencies_s()[AS_IT_IS]) if mean_s is None else mean_s
    cutoffs = float(curve.cutoffs.mean(axis=0)[AS_IT_IS]) if mean_s is None else curve.cutoffs_at(mean_s)
    of_alone = alone.cutoffs_at(reached_s)
    low, high = interval(pauses, curve, alone, mean_s)
    p95_s = percentile(curve.latencies_s[:, column].tolist(), 95)
    return Row(way, 1000 * reached_s, 1000 * p95_s, 100 * cutoffs, 100 * of_alone, cutoffs / max(of_alone, 1e-9), low, high)


def rows_of(pauses: Sequence[Pause]) -> list[Row]:
    """All ways at the latencies that are compared, the profiles as they are, and each language."""
    balanced = PROFILES["balanced"]
    ways: dict[str, Decide] = {
        "VAD and words": by_evidence(balanced, sound=False),
        "VAD and sound": by_evidence(balanced, words=False),
        "VAD, sound, words": by_evidence(balanced),
    }
    rows = [row(f"{way} @{1000 * mean_s:.0f} ms", pauses, decide, mean_s) for mean_s in LATENCIES_S for way, decide in ways.items()]
    rows += [row(f"profile {name}", pauses, by_evidence(waits), None) for name, waits in PROFILES.items()]
    languages = sorted({pause.language for pause in pauses})
    for language in languages if len(languages) > 1 else []:
        of_it = [pause for pause in pauses if pause.language == language]
        rows += [row(f"in {language} @{1000 * mean_s:.0f} ms", of_it, by_evidence(balanced), mean_s) for mean_s in LATENCIES_S]
    return rows


async def heard(folders: Sequence[Path], whisper: str, *, quick: bool, readings: int = MOST_READINGS) -> tuple[list[Pause], Listeners]:
    """Hear all stimuli made of the clips in ``folders``.

    :raises errors.ParleyError: clips or models are missing.
    """
    settings = load_settings()
    clips = [clip for folder in folders for clip in _some(read_clips(folder), quick=quick)]
    times = WordTimes(path_of("whisper-base", settings.models_dir), settings.whisper_threads)
    model = TurnModel(path_of(MODEL_NAME, settings.models_dir))
    stt = WhisperEngine(path_of(f"whisper-{whisper}", settings.models_dir), name=whisper, threads=settings.whisper_threads)
    listeners = Listeners(model, stt, readings)
    pauses = []
    try:
        await model.load()
        await stt.load()
        for clip in clips:
            words = times.of(clip.audio, clip.text, clip.language)
            for one in stimuli(clip, words, np.random.default_rng(zlib.crc32(clip.name.encode()))):
                pauses.append(await listeners.hear(one, clip.name, clip.language))
        return pauses, listeners
    finally:
        await model.close()
        await stt.close()


def _some(clips: list[Clip], *, quick: bool) -> list[Clip]:
    return clips[:: max(1, len(clips) // QUICK_CLIPS)] if quick else clips


def main() -> int:
    """Measure and print; the exit code."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--speech", type=Path, nargs="+", default=DEFAULT_FOLDERS, metavar="DIR", help="clips with a manifest.json")
    parser.add_argument("--whisper", choices=("base", "tiny.en"), default="base", help="the model that hears the words")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write down what was heard")
    parser.add_argument("--heard", type=Path, nargs="+", metavar="FILE", help="take what was heard from there")
    wanted = parser.parse_args()
    try:
        if wanted.heard:
            pauses, took = [pause for file in wanted.heard for pause in load_pauses(file)], "heard before"
        else:
            pauses, listeners = asyncio.run(heard(wanted.speech, wanted.whisper, quick=wanted.quick))
            took = (
                f"turn model {median(listeners.decisions_ms):.0f} ms, "
                f"whisper {wanted.whisper} {median(listeners.transcripts_ms):.0f} ms (medians)"
            )
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    if wanted.keep:
        save_pauses(pauses, wanted.keep)
    ends = sum(pause.true_end for pause in pauses)
    publish("turns", rows_of(pauses), wanted.json, f"{ends} ends and {len(pauses) - ends} pauses of {len(PAUSES_S)} lengths; {took}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
