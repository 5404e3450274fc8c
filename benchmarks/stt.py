"""How good and how fast the embedded Whisper hears: the short window that Parley uses against the same model's own 30 s decode.

    python benchmarks/stt.py [--speech DIR] [--models DIR] [--quick] [--json FILE]

DIR holds ``manifest.json``, a list of ``{"file": ..., "text": ...}``, and the clips (16-bit WAV, up to 30 s). Each clip is decoded in turn
in every way in one process, so that whatever else the machine does slows all of them alike. Word error rates are over all words of all
clips, in one common spelling (audio/stt/word_errors.py); times are medians over the clips, of the best of each clip's rounds, because what
else the machine does can only add to a time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audio.pcm import HEARING_RATE_HZ, Floats, as_floats
from audio.resample import resample
from audio.stt.decoding import FULL_WINDOW_S, SHORT_WINDOW_S, Decoded, WhisperDecoder
from audio.stt.whisper import guarded_decode
from audio.stt.word_errors import WordErrors, pooled, word_errors
from audio.wav import mono, read_wav
from benchmarks.report import argument_parser, median, publish
from config import load_settings
from errors import ParleyError
from models import path_of

DEFAULT_SPEECH = Path(__file__).resolve().parent.parent / "tests" / "speech"
MODELS = ("base", "tiny.en")
ROUNDS = 4
QUICK_ROUNDS = 2
FULL_DECODE = "own 30 s"
Decode = Callable[[WhisperDecoder, Floats], Decoded]


@dataclass(frozen=True, slots=True)
class Clip:
    """Recorded speech and what is said in it."""

    name: str
    text: str
    audio: Floats
    language: str = "en"


@dataclass(slots=True)
class Run:
    """One model decoding in one way."""

    model: str
    way: str
    decoder: WhisperDecoder
    decode: Decode
    errors: dict[str, WordErrors] = field(default_factory=dict)
    times_s: dict[str, list[float]] = field(default_factory=dict)

    def hear(self, clip: Clip) -> None:
        """Decode one clip, and note how long it took and what was wrong."""
        began = time.perf_counter()
        decoded = self.decode(self.decoder, clip.audio)
        self.times_s.setdefault(clip.name, []).append(time.perf_counter() - began)
        self.errors[clip.name] = word_errors(clip.text, decoded.text)

    @property
    def word_error_percent(self) -> float:
        """Over all words of all clips."""
        return 100 * pooled(self.errors.values()).rate

    @property
    def median_s(self) -> float:
        """The median over the clips of each clip's best round."""
        return median([min(times) for times in self.times_s.values()])


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``time_ratio`` and ``wer_difference`` compare with the same model's 30 s decode."""

    model: str
    decode: str
    clips: int
    words: int
    wer_percent: float
    wer_difference: float
    median_ms: float
    time_ratio: float


def read_clips(folder: Path) -> list[Clip]:
    """The clips of ``folder/manifest.json`` that fit Whisper's window.

    :raises errors.ParleyError: no manifest, or a clip that can't be read.
    """
    manifest = folder / "manifest.json"
    try:
        entries = json.loads(manifest.read_text(encoding="utf-8"))
        listed = [(str(entry["file"]), str(entry["text"]), str(entry.get("language", "en"))) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ParleyError(f"{manifest} can't be read.", "It is a list of objects with file and text, beside the WAV files.") from None
    clips = [Clip(name, text, _audio(folder / name), language) for name, text, language in listed if text]
    fitting = [clip for clip in clips if len(clip.audio) <= FULL_WINDOW_S * HEARING_RATE_HZ]
    if not fitting:
        raise ParleyError(f"{manifest} lists no clip with a text and at most 30 s.")
    return fitting


def _audio(path: Path) -> Floats:
    wav = read_wav(path)
    return as_floats(resample(mono(wav), wav.rate_hz, HEARING_RATE_HZ))


def runs_of(model: str, threads: int, models_dir: Path) -> list[Run]:
    """The ways in which ``model`` is made to decode; both share one loaded model."""
    decoder = WhisperDecoder(path_of(f"whisper-{model}", models_dir), threads)
    return [
        Run(
            model,
            f"{SHORT_WINDOW_S:.0f} s window, guarded",
            decoder,
            lambda whisper, audio: guarded_decode(whisper, audio, "en"),
        ),
        Run(model, FULL_DECODE, decoder, lambda whisper, audio: whisper.decode(audio, FULL_WINDOW_S, "en")),
    ]


def measure(runs: list[Run], clips: list[Clip], rounds: int) -> None:
    """Every clip, in every way, ``rounds`` times, in turn forwards and backwards; the first clip once more before, to warm up."""
    for run in runs:
        run.decode(run.decoder, clips[0].audio)
    for turn in range(rounds):
        for clip in clips:
            for run in runs if turn % 2 == 0 else reversed(runs):
                run.hear(clip)


def rows_of(runs: list[Run]) -> list[Row]:
    """The table: each run beside the 30 s decode of its model."""
    full = {run.model: run for run in runs if run.way == FULL_DECODE}
    return [
        Row(
            model=run.model,
            decode=run.way,
            clips=len(run.errors),
            words=pooled(run.errors.values()).words,
            wer_percent=round(run.word_error_percent, 2),
            wer_difference=round(run.word_error_percent - full[run.model].word_error_percent, 2),
            median_ms=round(1000 * run.median_s, 1),
            time_ratio=round(run.median_s / full[run.model].median_s, 3),
        )
        for run in runs
    ]


def main() -> int:
    """Measure and print; the exit code."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--speech", type=Path, default=DEFAULT_SPEECH, metavar="DIR", help="clips with a manifest.json")
    parser.add_argument("--models", type=Path, default=None, metavar="DIR", help="where the models are, if not where the settings say")
    wanted = parser.parse_args()
    try:
        settings = load_settings()
        clips = read_clips(wanted.speech)
        runs = [run for model in MODELS for run in runs_of(model, settings.whisper_threads, wanted.models or settings.models_dir)]
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    measure(runs, clips, QUICK_ROUNDS if wanted.quick else ROUNDS)
    publish("stt", rows_of(runs), wanted.json, f"Whisper int8 on {settings.whisper_threads} threads, {wanted.speech}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
