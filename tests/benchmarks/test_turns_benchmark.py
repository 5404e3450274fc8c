"""The parts of the benchmark of turn ends that need no model: where pauses are put, what is decided when, and how ways are compared."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from benchmarks.cutoffs import AS_IT_IS, PAUSES_S, News, accepted_s, by_evidence, by_silence, curve_of, interval, timeline
from benchmarks.fit_turns import fit_rows, fitted, reading_rows, regression
from benchmarks.pause_hearing import Pause, Reading, load_pauses, save_pauses
from benchmarks.pauses import SILENCE_S, ends_sentence, stimuli
from benchmarks.prompts import make, name_of, texts_of
from benchmarks.stt import Clip
from benchmarks.turns import rows_of
from benchmarks.word_times import WordEnd, joined
from calls.turns.patience import NOTHING, PROFILES, Evidence, Patience
from errors import ParleyError

WORDS = [
    WordEnd("One", 0.5),
    WordEnd("two.", 1.0),
    WordEnd("Three", 1.6),
    WordEnd("four", 2.2),
    WordEnd("five", 2.8),
    WordEnd("six.", 3.4),
]


def clip_of(seconds: float, quiet: tuple[float, float] | None = None) -> Clip:
    """A tone with, perhaps, a pause in it."""
    at_s = np.arange(int(seconds * HEARING_RATE_HZ)) / HEARING_RATE_HZ
    audio = (0.3 * np.sin(2 * np.pi * 220 * at_s)).astype(np.float32)
    if quiet:
        audio[int(quiet[0] * HEARING_RATE_HZ) : int(quiet[1] * HEARING_RATE_HZ)] = 0.0
    return Clip("clip", "One two. Three four five six.", audio)


def pause_of(true_end: bool, completeness: float, text: str = "", clip: str = "clip", readings: int = 2) -> Pause:
    """What two readings and words at their usual times would be."""
    read = tuple(Reading(0.1 + 0.15 * number, 0.2 + 0.15 * number, completeness) for number in range(readings))
    return Pause(clip, "en", true_end, 0.1, read, text, 0.4)


CLEAR = [
    pause_of(end, 0.95 if end else 0.05, "That is all." if end else "and", f"clip {number}") for number in range(8) for end in (True, False)
]
"""Sound and words tell ends from pauses."""


def test_pauses_are_put_at_every_sentence_end_and_at_some_other_words() -> None:
    made = list(stimuli(clip_of(3.5), WORDS, np.random.default_rng(1)))
    assert [one.spoken for one in made if one.true_end] == ["One two.", "One two. Three four five six."]
    off_ends = [one for one in made if not one.true_end]
    assert off_ends
    assert all(one.spoken.split()[-1] in ("One", "Three", "four", "five") for one in off_ends)


def test_a_pause_of_the_speaker_is_always_taken_and_cut_where_it_is_quiet() -> None:
    made = list(stimuli(clip_of(3.5, quiet=(2.3, 2.6)), WORDS, np.random.default_rng(1)))
    natural = next(one for one in made if one.spoken.endswith("four"))
    speech_s = len(natural.pcm) / BYTES_PER_SAMPLE / HEARING_RATE_HZ - SILENCE_S
    assert 2.3 <= speech_s <= 2.5


def test_the_speech_of_a_stimulus_is_the_clip_up_to_the_pause() -> None:
    made = list(stimuli(clip_of(3.5), WORDS, np.random.default_rng(1)))
    for one in made[:-1]:
        speech_s = len(one.pcm) / BYTES_PER_SAMPLE / HEARING_RATE_HZ - SILENCE_S
        last = next(word for word in WORDS if word.word == one.spoken.split()[-1])
        assert last.at_s - 0.1 <= speech_s <= last.at_s + 0.2


@pytest.mark.parametrize(("word", "ends"), [("all.", True), ("why?", True), ("now!»", True), ("wait...", False), ("first,", False)])
def test_which_words_end_a_sentence(word: str, ends: bool) -> None:
    assert ends_sentence(word) is ends


def test_marks_belong_to_their_words_which_end_with_their_letters() -> None:
    pieces = [(" Hello", 0.4), (",", 0.9), (" re", 1.2), ("-", 1.3), ("entered", 1.8), (".", 2.5)]
    assert joined(pieces) == [WordEnd("Hello,", 0.4), WordEnd("re-entered.", 1.8)]


def test_what_is_known_of_a_pause_grows_with_time() -> None:
    assert timeline(pause_of(False, 0.3, "and")) == [
        News(0.2, Evidence((0.3,))),
        News(0.35, Evidence((0.3, 0.3))),
        News(0.4, Evidence((0.3, 0.3), -0.9)),
    ]
    assert timeline(pause_of(False, 0.3, "and"), sound=False) == [News(0.4, Evidence((), -0.9))]
    assert timeline(pause_of(False, 0.3), sound=False, words=False) == []


def test_a_turn_ends_when_the_wait_of_the_moment_is_over() -> None:
    patience = Patience(PROFILES["balanced"])
    sure = Evidence((0.98, 0.98), 1.0)
    assert accepted_s(0.1, [], patience) == 0.7
    assert accepted_s(0.1, [News(0.4, sure)], patience) == 0.4
    assert accepted_s(0.1, [News(0.15, sure)], patience) == 0.25
    assert accepted_s(0.1, [News(0.9, sure)], patience) == 0.7
    assert accepted_s(0.8, [News(0.9, NOTHING)], patience) == 0.8


def test_the_detector_alone_cuts_off_what_is_longer_than_its_wait() -> None:
    alone = curve_of(CLEAR, by_silence)
    longer = sum(length > 0.3 for length in PAUSES_S) / len(PAUSES_S)
    assert alone.cutoffs_at(0.3) == pytest.approx(longer, abs=0.03)


def test_clear_evidence_cuts_off_hardly_anybody() -> None:
    rows = {row.way: row for row in rows_of(CLEAR)}
    both = rows["VAD, sound, words @300 ms"]
    assert both.mean_latency_ms == 300
    assert both.of_vad_alone < 0.5
    assert both.at_least <= both.of_vad_alone <= both.at_most
    assert rows["profile patient"].false_cutoffs_percent <= rows["profile fast"].false_cutoffs_percent


def test_a_way_that_is_the_detectors_own_leaves_all_of_its_cutoffs() -> None:
    alone = curve_of(CLEAR, by_silence)
    assert interval(CLEAR, alone, alone, 0.3) == (1.0, 1.0)


def test_profiles_are_judged_as_they_are() -> None:
    curve = curve_of(CLEAR, by_evidence(PROFILES["fast"]))
    assert curve.mean_latencies_s()[AS_IT_IS] == pytest.approx(0.2)


def test_what_was_heard_can_be_kept(tmp_path: Path) -> None:
    save_pauses(CLEAR, tmp_path / "heard.json")
    assert load_pauses(tmp_path / "heard.json") == CLEAR


def test_what_was_not_kept_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "heard.json").write_text('[{"clip": "a"}]')
    with pytest.raises(ParleyError, match=r"heard.json can't be read.*--keep"):
        load_pauses(tmp_path / "heard.json")


def test_a_regression_finds_what_made_the_data() -> None:
    random = np.random.default_rng(3)
    features = np.column_stack([np.ones(20_000), random.normal(size=(20_000, 2))])
    is_end = (random.random(20_000) < 1 / (1 + np.exp(-features @ np.array([0.0, 1.0, -2.0])))).astype(float)
    assert regression(features, is_end) == pytest.approx([0.0, 1.0, -2.0], abs=0.1)


def test_each_set_is_judged_by_weights_that_the_others_call_for() -> None:
    random = np.random.default_rng(4)
    sets = {name: [_noisy(random, name) for _ in range(60)] for name in ("one", "two")}
    rows = list(fit_rows(sets))
    assert [row.judged_by for row in rows] == ["all, which took part", "one", "two", "all, weights in use"]
    assert rows[1].sound == fitted([sets["two"]]).sound > 0
    assert all(row.at_300_ms < 1 for row in rows)


def test_a_reading_that_tells_nothing_weighs_little() -> None:
    random = np.random.default_rng(5)
    pauses = [_noisy(random, "clip") for _ in range(400)]
    first, *_, last = reading_rows(pauses)
    assert first.weight > 3 * abs(last.weight)


def _noisy(random: np.random.Generator, clip: str) -> Pause:
    """Of five readings only the first has to do with the truth."""
    end = bool(random.random() < 0.5)
    told = float(np.clip(random.normal(0.7 if end else 0.3, 0.2), 0.01, 0.99))
    others = random.random(4).tolist()
    readings = tuple(Reading(0.1 + 0.15 * n, 0.2 + 0.15 * n, value) for n, value in enumerate([told, *others]))
    return Pause(clip, "en", end, 0.1, readings, "That is all." if random.random() < (0.8 if end else 0.4) else "and", 0.4)


TEXTS = """; Core sounds

all-done: It is done.
part: The number is
dots: To be continued...
beep: [this is a beep.]
digits/1: One.
"""


@pytest.mark.parametrize("compress", [False, True])
def test_prompts_are_whole_sentences_in_one_file(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / ("texts.txt.gz" if compress else "texts.txt")
    path.write_bytes(gzip.compress(TEXTS.encode()) if compress else TEXTS.encode())
    assert list(texts_of(path)) == [("all-done", "It is done.")]


def test_prompts_that_are_judged_by_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(TEXTS)
    (tmp_path / "all-done.g722").write_bytes(bytes(16_000))
    assert make(tmp_path, tmp_path / "texts.txt", "en", tmp_path / "out", 5, 16.0, set()) == 1
    assert (tmp_path / "out" / "ast-en_all-done.wav").is_file()
    taken = {name_of("ast-es_all-done.wav")}
    assert make(tmp_path, tmp_path / "texts.txt", "en", tmp_path / "other", 5, 16.0, taken) == 0
