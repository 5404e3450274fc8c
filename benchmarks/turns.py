"""Who is cut off, and how long does everybody wait? The silence rule of a voice activity detector alone, against sound, words and silence.

    python benchmarks/turns.py [--speech DIR] [--whisper base|tiny.en] [--quick] [--json FILE]

DIR holds ``manifest.json`` and clips. Silence is put in where a clip is quietest and after its end. In the middle of a sentence that is
somebody who pauses and goes on; where a sentence of the clip ends, somebody who has finished. The real detector, the real turn model
and the real Whisper hear each of them, as in a call: the model is asked again and again during the pause, Whisper once. What they say
counts from the moment they have said it, by the clock of this machine. Then the pauses are given several lengths, and a pause that is
taken for an end is a false cut-off. Added latency is the silence before a true end is accepted, as the detector hears it; its mean is
made equal for both ways, by scaling the waits, so that the cut-offs can be compared.
"""

from __future__ import annotations

import asyncio
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, HEARING_FRAME_BYTES, HEARING_RATE_HZ
from audio.stt import SpeechToText
from audio.stt.whisper import WhisperEngine
from audio.turn_model import MODEL_NAME, TurnModel
from audio.vad import GatedSilero
from benchmarks.pauses import Stimulus, stimuli
from benchmarks.report import argument_parser, median, percentile, publish
from benchmarks.stt import DEFAULT_SPEECH, read_clips
from calls.turns.endpointing import Edge, Endpointing, PauseRules
from calls.turns.patience import NOTHING, PROFILES, Evidence, Patience, Waits
from calls.turns.text_cues import finished_by_words
from config import load_settings
from errors import ParleyError
from models import path_of

PAUSES_S: Final = (0.12, 0.15, 0.18, 0.2, 0.22, 0.24, 0.26, 0.28, 0.32, 0.36, 0.4, 0.45, 0.5, 0.56, 0.7, 0.9, 1.2, 1.8)
"""The lengths that each pause inside a clip is given. They are spread so that a detector alone cuts off as many as in the public
eot-bench (its English column: 56 % at 300 ms, 22 % at 600 ms, 5 % at 1600 ms)."""
LATENCIES_S: Final = (0.3, 0.6)
"""The mean added latencies at which the two ways are compared."""
READ_EVERY_S: Final = 0.15
READINGS: Final = 7
QUICK_CLIPS: Final = 8
ENDLESS_S: Final = 1000.0


@dataclass(frozen=True, slots=True)
class News:
    """From ``at_s`` of silence on, ``evidence`` is known."""

    at_s: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Pause:
    """What was known when, in one pause or after one end."""

    true_end: bool
    noticed_s: float
    """Silence before the detector calls it a pause."""
    sound: tuple[News, ...]
    words: tuple[News, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured on the way, in milliseconds."""

    decisions_ms: list[float]
    transcripts_ms: list[float]


@dataclass(frozen=True, slots=True)
class Row:
    """One way to end turns at one mean latency."""

    way: str
    mean_latency_ms: float
    p95_latency_ms: float
    false_cutoffs_percent: float
    of_vad_alone: float
    """The cut-offs as a share of the detector's alone at the same mean latency."""


# ---- hearing


async def heard(stimulus: Stimulus, model: TurnModel, stt: SpeechToText, costs: Costs) -> Pause:
    """Let detector, model and Whisper hear ``stimulus``."""
    ended_s, noticed_s = _speech_end(stimulus.pcm)
    began = time.perf_counter()
    transcript = await stt.transcribe(_until(stimulus.pcm, ended_s + noticed_s), "en")
    words_after_s = time.perf_counter() - began
    costs.transcripts_ms.append(1000 * words_after_s)
    words = Evidence(words=finished_by_words(transcript.text, transcript.language))
    sound = await _readings(stimulus.pcm, ended_s, noticed_s, model, costs)
    return Pause(stimulus.at_sentence_end(transcript.text), noticed_s, sound, (News(noticed_s + words_after_s, words),))


async def _readings(pcm: bytes, ended_s: float, noticed_s: float, model: TurnModel, costs: Costs) -> tuple[News, ...]:
    news, evidence = [], NOTHING
    for number in range(READINGS):
        silence_s = noticed_s + number * READ_EVERY_S
        began = time.perf_counter()
        completeness = await model.completeness(_until(pcm, ended_s + silence_s))
        took_s = time.perf_counter() - began
        assert completeness is not None
        costs.decisions_ms.append(1000 * took_s)
        evidence = evidence.heard(completeness)
        news.append(News(silence_s + took_s, evidence))
    return tuple(news)


def _until(pcm: bytes, at_s: float) -> bytes:
    return pcm[: round(at_s * HEARING_RATE_HZ) * BYTES_PER_SAMPLE]


def _speech_end(pcm: bytes) -> tuple[float, float]:
    """Where the detector hears the speech end, and how much later it notices."""
    activity, endpointing = GatedSilero(), Endpointing(PauseRules(end_s=ENDLESS_S, longest_turn_s=ENDLESS_S))
    paused_s = 0.0
    for start in range(0, len(pcm) - HEARING_FRAME_BYTES + 1, HEARING_FRAME_BYTES):
        probability = activity.feed(pcm[start : start + HEARING_FRAME_BYTES])
        if probability is not None and Edge.PAUSED in endpointing.hear(activity.hop_s, probability):
            paused_s = endpointing.now_s
    return endpointing.speech_ended_s, paused_s - endpointing.speech_ended_s


# ---- deciding

Decide = Callable[[Pause, float], float]
"""The silence at which a pause is taken for the end, with all waits scaled by a factor."""


def by_silence(pause: Pause, wait_s: float) -> float:
    """The detector alone."""
    return max(pause.noticed_s, wait_s)


def by_evidence(waits: Waits, *, sound: bool = True, words: bool = True) -> Decide:
    """With what is known of sound and words in each moment."""

    def decide(pause: Pause, factor: float) -> float:
        patience = Patience(waits.scaled(factor))
        return accepted_s(pause.noticed_s, _merged(pause.sound if sound else (), pause.words if words else ()), patience)

    return decide


def accepted_s(noticed_s: float, news: Sequence[News], patience: Patience) -> float:
    """The silence at which the turn ends, when the wait is what the news call for at each moment."""
    evidence, since_s = NOTHING, noticed_s
    for item in news:
        ends_s = max(since_s, patience.wait_s(evidence))
        if ends_s <= item.at_s:
            return ends_s
        evidence, since_s = item.evidence, item.at_s
    return max(since_s, patience.wait_s(evidence))


def _merged(sound: Sequence[News], words: Sequence[News]) -> list[News]:
    merged, evidence = [], NOTHING
    for item in sorted((*sound, *words), key=lambda item: item.at_s):
        readings = item.evidence.readings or evidence.readings
        known = evidence.words if item.evidence.words is None else item.evidence.words
        evidence = Evidence(readings, known)
        merged.append(News(item.at_s, evidence))
    return merged


# ---- judging


def latencies_s(pauses: Sequence[Pause], decide: Decide, factor: float) -> list[float]:
    """The added latency of each true end."""
    return [decide(pause, factor) for pause in pauses if pause.true_end]


def false_cutoffs(pauses: Sequence[Pause], decide: Decide, factor: float) -> float:
    """The share of pauses, of all lengths together, that are taken for an end."""
    accepted = [decide(pause, factor) for pause in pauses if not pause.true_end]
    return sum(at_s < pause_s for at_s in accepted for pause_s in PAUSES_S) / max(1, len(accepted) * len(PAUSES_S))


def factor_for(pauses: Sequence[Pause], decide: Decide, mean_s: float) -> float:
    """The factor at which the mean latency is ``mean_s``, or as near to it as the way can come from below."""
    low, high = 0.01, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean(latencies_s(pauses, decide, middle)) <= mean_s else (low, middle)
    return low


def row(way: str, pauses: Sequence[Pause], decide: Decide, factor: float) -> Row:
    """One line of the table, with what the detector alone does at the same mean latency."""
    waits = latencies_s(pauses, decide, factor)
    cutoffs = false_cutoffs(pauses, decide, factor)
    alone = false_cutoffs(pauses, by_silence, factor_for(pauses, by_silence, _mean(waits)))
    return Row(way, 1000 * _mean(waits), 1000 * percentile(waits, 95), 100 * cutoffs, cutoffs / alone if alone else 1.0)


def rows_of(pauses: Sequence[Pause]) -> list[Row]:
    """All ways at the latencies that are compared, and the profiles as they are."""
    balanced = PROFILES["balanced"]
    ways: dict[str, Decide] = {
        "VAD alone": by_silence,
        "VAD and words": by_evidence(balanced, sound=False),
        "VAD and sound": by_evidence(balanced, words=False),
        "VAD, sound, words": by_evidence(balanced),
    }
    rows = [
        row(f"{way} @{1000 * mean_s:.0f} ms", pauses, decide, factor_for(pauses, decide, mean_s))
        for mean_s in LATENCIES_S
        for way, decide in ways.items()
    ]
    return rows + [row(f"profile {name}", pauses, by_evidence(waits), 1.0) for name, waits in PROFILES.items()]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


# ---- running


async def measured(speech: Path, whisper: str, *, quick: bool) -> tuple[list[Pause], Costs]:
    """Hear all stimuli made of the clips in ``speech``.

    :raises errors.ParleyError: clips or models are missing.
    """
    settings = load_settings()
    clips = read_clips(speech)[: QUICK_CLIPS if quick else None]
    model = TurnModel(path_of(MODEL_NAME, settings.models_dir))
    stt = WhisperEngine(path_of(f"whisper-{whisper}", settings.models_dir), name=whisper, threads=settings.whisper_threads)
    costs = Costs([], [])
    try:
        await model.load()
        await stt.load()
        made = [one for clip in clips for one in stimuli(clip, np.random.default_rng(zlib.crc32(clip.name.encode())))]
        return [await heard(one, model, stt, costs) for one in made], costs
    finally:
        await model.close()
        await stt.close()


def main() -> int:
    """Measure and print; the exit code."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--speech", type=Path, default=DEFAULT_SPEECH, metavar="DIR", help="clips with a manifest.json")
    parser.add_argument("--whisper", choices=("base", "tiny.en"), default="base", help="the model that hears the words")
    wanted = parser.parse_args()
    try:
        pauses, costs = asyncio.run(measured(wanted.speech, wanted.whisper, quick=wanted.quick))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    ends = sum(pause.true_end for pause in pauses)
    title = (
        f"{ends} ends and {len(pauses) - ends} pauses of {len(PAUSES_S)} lengths in {wanted.speech}; "
        f"turn model {median(costs.decisions_ms):.0f} ms, whisper {wanted.whisper} {median(costs.transcripts_ms):.0f} ms (medians)"
    )
    publish("turns", rows_of(pauses), wanted.json, title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
