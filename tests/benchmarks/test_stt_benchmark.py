from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from audio.stt.decoding import Decoded, WhisperDecoder
from audio.wav import write_wav
from benchmarks.report import machine, median, percentile, publish
from benchmarks.stt import FULL_DECODE, Clip, Run, measure, read_clips, rows_of
from errors import ParleyError

NO_DECODER = cast(WhisperDecoder, None)


def manifest(folder: Path, entries: Any) -> Path:
    (folder / "manifest.json").write_text(json.dumps(entries))
    return folder


def hearing(text: str) -> Run:
    return Run("base", "short", NO_DECODER, lambda _, audio: Decoded(text, "en", -0.1, 0.0, 3, False, 1.0))


def test_clips_are_read_at_whispers_rate_and_long_or_wordless_ones_left_out(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", bytes(2 * 48_000), 48_000)
    write_wav(tmp_path / "long.wav", bytes(2 * 16_000 * 31), 16_000)
    entries = [{"file": "a.wav", "text": "hello"}, {"file": "long.wav", "text": "too long"}, {"file": "a.wav", "text": ""}]

    (clip,) = read_clips(manifest(tmp_path, entries))

    assert (clip.name, clip.text, len(clip.audio)) == ("a.wav", "hello", 16_000)


@pytest.mark.parametrize("entries", [{"file": 1}, [{"file": "a.wav"}], ["a.wav"]])
def test_a_manifest_that_makes_no_sense_is_named(tmp_path: Path, entries: Any) -> None:
    with pytest.raises(
        ParleyError, match=r"manifest\.json can't be read\. It is a list of objects with file and text, beside the WAV files\."
    ):
        read_clips(manifest(tmp_path, entries))


def test_folders_without_clips_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"manifest\.json can't be read"):
        read_clips(tmp_path)
    with pytest.raises(ParleyError, match="lists no clip with a text and at most 30 s"):
        read_clips(manifest(tmp_path, []))
    with pytest.raises(ParleyError, match=r"gone\.wav can't be read: No such file"):
        read_clips(manifest(tmp_path, [{"file": "gone.wav", "text": "hello"}]))


def test_each_way_is_compared_with_the_full_decode_of_its_model() -> None:
    clips = [Clip("a", "one two three four", np.zeros(10, np.float32)), Clip("b", "one two three four", np.zeros(10, np.float32))]
    short, full = hearing("one two three five"), hearing("one two three four")
    full.way = FULL_DECODE
    measure([short, full], clips, rounds=2)
    for run, seconds in ((short, 0.2), (full, 0.8)):
        run.times_s = {name: [seconds, seconds * 1.5, seconds] for name in run.times_s}

    first, second = rows_of([short, full])

    assert (first.clips, first.words, first.wer_percent) == (2, 8, 25.0)
    assert (second.wer_percent, first.wer_difference, second.wer_difference) == (0.0, 25.0, 0.0)
    assert (first.median_ms, first.time_ratio, second.time_ratio) == (200.0, 0.25, 1.0)


def test_the_figures_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish("sample", [{"way": "short", "median_ms": 123.4, "ratio": 0.25}], tmp_path / "out.json", "A sample")

    written = json.loads((tmp_path / "out.json").read_text())
    assert written["benchmark"] == "sample"
    assert written["rows"] == [{"way": "short", "median_ms": 123.4, "ratio": 0.25}]
    assert written["machine"]["cores"] == machine()["cores"] >= 1
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("A sample", "median ms", "123", "0.25"))


def test_medians_and_percentiles() -> None:
    assert (median([3, 1, 2]), median([])) == (2, 0.0)
    assert [percentile(range(1, 101), percent) for percent in (0, 50, 95, 100)] == [1, 50, 95, 100]
    assert (percentile([7.0], 95), percentile([], 50)) == (7.0, 0.0)
