"""What an ear answers, in made-up time."""

from __future__ import annotations

import numpy as np
import pytest

from audio.pcm import as_samples
from loopback.people.ear import Ear, Hearing

FRAME = 160


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def sound(value: int = 1000, *, begin: int = 0, end: int = FRAME) -> bytes:
    """A frame that is ``value`` from sample ``begin`` to ``end`` and 0 elsewhere."""
    samples = np.zeros(FRAME, dtype="<i2")
    samples[begin:end] = value
    return bytes(samples.tobytes())


SILENCE = sound(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ear(clock: Clock) -> Ear:
    return Ear(clock)


def hear(ear: Ear, at_s: float, *frames: bytes) -> None:
    for number, frame in enumerate(frames):
        ear.add(frame, at_s + number * 0.01)


def test_nothing_heard(ear: Ear) -> None:
    assert ear.first_audible_after(0) is None
    assert ear.last_audible_before(2000) is None
    assert ear.silent_since is None
    assert not ear.audible_now()
    assert ear.audible_ms(0) == 0
    assert ear.between(1000, 1000.1) == bytes(3200)


def test_first_and_last_audible_are_exact_to_the_sample(ear: Ear) -> None:
    hear(ear, 1001.0, SILENCE, sound(begin=80), sound(-1000), sound(end=40), SILENCE)
    assert ear.first_audible_after(0) == pytest.approx(1001.015)
    assert ear.first_audible_after(1001.017) == pytest.approx(1001.017, abs=1e-4)
    assert ear.first_audible_after(1001.025) == pytest.approx(1001.025, abs=1e-4)
    assert ear.first_audible_after(1001.0326) is None
    assert ear.last_audible_before(2000) == pytest.approx(1001.03 + 39 / 16000)
    assert ear.last_audible_before(1001.025) == pytest.approx(1001.025, abs=1e-4)
    assert ear.last_audible_before(1001.014) is None


def test_audible_begins_at_a_peak_of_300(ear: Ear) -> None:
    hear(ear, 1001.0, sound(299), sound(-299), sound(-300))
    assert ear.first_audible_after(0) == pytest.approx(1001.02)


def test_audible_now_holds_over_short_pauses(ear: Ear, clock: Clock) -> None:
    hear(ear, 1001.0, sound(), SILENCE)
    clock.now_s = 1001.2
    assert ear.audible_now(hold_ms=300)
    assert not ear.audible_now(hold_ms=100)
    assert ear.silent_since == pytest.approx(1001.01)


def test_audible_time_is_counted_since_a_moment(ear: Ear) -> None:
    hear(ear, 1001.0, sound(), SILENCE, sound(), sound())
    assert ear.audible_ms(0) == 30
    assert ear.audible_ms(1001.005) == 20
    assert ear.audible_ms(1001.035) == 0


def test_sound_between_two_times_has_silence_in_its_gaps(ear: Ear) -> None:
    hear(ear, 1001.0, sound(1000))
    hear(ear, 1001.5, sound(2000))
    heard = as_samples(ear.between(1000.99, 1001.52))
    assert len(heard) == 8480
    assert list(heard[[159, 160, 319, 320, 8159, 8160, 8319, 8320]]) == [0, 1000, 1000, 0, 0, 2000, 2000, 0]


def test_jitter_leaves_no_holes(ear: Ear) -> None:
    for at_s in (1001.0, 1001.018, 1001.019, 1001.055, 1001.056):
        ear.add(sound(), at_s)
    assert np.count_nonzero(as_samples(ear.between(1001.0, 1001.05))) == 800


def test_lag_is_taken_back_in_silence(ear: Ear) -> None:
    for at_s in (1001.0, 1001.001, 1001.002, 1001.003, 1001.004):
        ear.add(sound(), at_s)
    ear.add(SILENCE, 1001.005)
    ear.add(sound(2000), 1001.015)
    heard = as_samples(ear.between(1001.0, 1001.1))
    assert heard[int(0.016 * 16000)] == 2000


def test_sources_are_told_apart_and_signed_numbers_mean_the_same(clock: Clock) -> None:
    hearing = Hearing(clock)
    hearing.receive([(0xFFFFFFFF, sound()), (5, SILENCE)], 1001.0)
    assert hearing.ear(-1).first_audible_after(0) == 1001.0
    assert hearing.ear(5).first_audible_after(0) is None
    assert hearing.ssrcs == {0xFFFFFFFF, 5}


def test_a_user_is_heard_by_the_same_ear_after_rejoining(clock: Clock) -> None:
    hearing = Hearing(clock)
    hearing.belongs(-1, 77)
    hearing.receive([(0xFFFFFFFF, sound())], 1001.0)
    hearing.receive([(6, sound())], 1002.0)
    hearing.belongs(6, 77)
    hearing.receive([(6, sound())], 1003.0)
    assert [frame.at_s for frame in hearing.ear_of(77).frames] == [1001.0, 1002.0, 1003.0]
    assert hearing.ear_of(78).frames == []
