"""Lulls: where speech may just have ended, by loudness alone."""

from __future__ import annotations

import pytest

from calls.turns.lulls import LullEdge, Lulls

FRAME_S = 0.01
SPEECH, CONSONANT, QUIET = 3000.0, 300.0, 20.0


def edges(lulls: Lulls, *stretches: tuple[float, int]) -> list[tuple[LullEdge, int]]:
    """What is told, with the frame at which it is; a stretch is (loudness, frames)."""
    told, frame = [], 0
    for loudness, frames in stretches:
        for _ in range(frames):
            frame += 1
            if edge := lulls.hear(FRAME_S, loudness):
                told.append((edge, frame))
    return told


def test_three_quiet_frames_are_a_lull() -> None:
    assert edges(Lulls(), (SPEECH, 50), (QUIET, 10)) == [(LullEdge.BEGAN, 53)]


def test_speech_that_goes_on_ends_it_at_once() -> None:
    assert edges(Lulls(), (SPEECH, 50), (QUIET, 5), (SPEECH, 5)) == [(LullEdge.BEGAN, 53), (LullEdge.OVER, 56)]


def test_a_soft_last_consonant_is_no_quiet() -> None:
    assert edges(Lulls(), (SPEECH, 50), (CONSONANT, 12), (QUIET, 5)) == [(LullEdge.BEGAN, 65)]


def test_a_noisy_line_has_lulls_down_to_its_noise() -> None:
    lulls = Lulls()
    for _ in range(40):
        lulls.background(400.0)
    assert edges(lulls, (SPEECH, 50), (400.0, 5)) == [(LullEdge.BEGAN, 53)]


def test_where_noise_is_nearly_as_loud_as_speech_there_are_none() -> None:
    lulls = Lulls()
    for _ in range(40):
        lulls.background(1000.0)
    assert edges(lulls, (SPEECH, 50), (1000.0, 20)) == []


def test_the_quiet_is_measured_from_its_first_frame() -> None:
    lulls = Lulls()
    edges(lulls, (SPEECH, 50), (QUIET, 9))
    assert lulls.quiet_s == pytest.approx(0.09)
