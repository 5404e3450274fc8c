from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio.pcm import PLAYOUT_FRAME_BYTES, as_samples
from audio.wav import write_wav
from benchmarks.harness.script import LONG, SHORT, SPELLED, Delays, tokens
from benchmarks.harness.sounds import ALPHABET, HeardWord, clip, from_first_word, spoken, tone, words_heard


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[start : start + PLAYOUT_FRAME_BYTES] for start in range(0, len(pcm), PLAYOUT_FRAME_BYTES)]


def test_every_word_of_the_spelled_reply_is_heard_whole_and_once() -> None:
    assert words_heard(frames(spoken(SPELLED))) == [HeardWord(word, whole=True) for word in ALPHABET]


def test_words_are_recognised_in_a_ducked_voice() -> None:
    quiet = (as_samples(spoken(SPELLED)) * 0.25).astype("<i2").tobytes()

    assert [heard.word for heard in words_heard(frames(quiet))] == list(ALPHABET)


def test_a_word_broken_off_and_begun_again_is_heard_twice_once_whole() -> None:
    whole = frames(spoken("bravo"))

    heard = words_heard([*whole[:10], bytes(PLAYOUT_FRAME_BYTES), *whole])

    assert heard == [HeardWord("bravo", whole=False), HeardWord("bravo", whole=True)]


def test_ordinary_words_are_not_taken_for_those_of_the_alphabet() -> None:
    assert words_heard(frames(spoken(SHORT))) == []


def test_tokens_make_up_the_text() -> None:
    assert "".join(tokens(LONG)) == LONG


def test_the_least_time_with_stub_engines_is_660_ms() -> None:
    assert Delays().bound_s == pytest.approx(0.66)


def test_a_clip_is_its_speech_without_the_silence_around_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", bytes(8_000) + tone(0.5) + bytes(8_000), 16_000)

    assert len(clip(tmp_path / "a.wav")) / 2 / 16_000 == pytest.approx(0.5, abs=0.01)


def test_a_clip_of_another_rate_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.ones(800, "<i2").tobytes(), 8_000)

    with pytest.raises(ValueError, match="8000"):
        clip(tmp_path / "a.wav")


def test_an_interruption_begins_with_its_speech_not_with_the_breath_before_it() -> None:
    breath, word = (np.full(1600, level, dtype="<i2").tobytes() for level in (200, 5000))
    assert from_first_word(breath + word + breath) == word + breath
