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


def lull_edges(lulls: Lulls, *stretches: tuple[float, int]) -> list[tuple[LullEdge, int]]:
    """The same without the dips and what follows them."""
    return [(edge, frame) for edge, frame in edges(lulls, *stretches) if edge not in (LullEdge.DIPPED, LullEdge.ROSE)]


def test_two_quiet_frames_are_a_lull_and_four_one_that_lasts() -> None:
    assert lull_edges(Lulls(), (SPEECH, 50), (QUIET, 10)) == [(LullEdge.BEGAN, 52), (LullEdge.LASTS, 54)]


def test_speech_that_goes_on_ends_it_at_once() -> None:
    told = lull_edges(Lulls(), (SPEECH, 50), (QUIET, 3), (SPEECH, 5))
    assert told == [(LullEdge.BEGAN, 52), (LullEdge.OVER, 54)]


def test_a_soft_last_consonant_is_a_dip_and_no_quiet() -> None:
    assert edges(Lulls(), (SPEECH, 50), (CONSONANT, 12), (QUIET, 3)) == [(LullEdge.DIPPED, 52), (LullEdge.BEGAN, 64)]


def test_a_voice_that_falls_again_dips_again() -> None:
    told = edges(Lulls(), (SPEECH, 50), (CONSONANT, 5), (SPEECH, 5), (CONSONANT, 5))
    assert told == [(LullEdge.DIPPED, 52), (LullEdge.ROSE, 56), (LullEdge.DIPPED, 62)]


def test_a_voice_that_has_hardly_fallen_has_not_risen() -> None:
    assert edges(Lulls(), (SPEECH, 50), (CONSONANT, 1), (SPEECH, 5)) == []


def test_a_voice_that_comes_back_from_a_lull_by_and_by_has_risen_when_it_is_loud() -> None:
    told = edges(Lulls(), (SPEECH, 50), (QUIET, 3), (CONSONANT, 3), (SPEECH, 3))
    assert told == [(LullEdge.BEGAN, 52), (LullEdge.OVER, 54), (LullEdge.ROSE, 57)]


def test_a_noisy_line_has_lulls_down_to_its_noise() -> None:
    lulls = Lulls()
    for _ in range(40):
        lulls.background(400.0)
    assert lull_edges(lulls, (SPEECH, 50), (400.0, 3)) == [(LullEdge.BEGAN, 52)]


def test_where_noise_is_nearly_as_loud_as_speech_there_are_none() -> None:
    lulls = Lulls()
    for _ in range(40):
        lulls.background(1000.0)
    assert edges(lulls, (SPEECH, 50), (1000.0, 20)) == []


def test_the_quiet_is_measured_from_its_first_frame() -> None:
    lulls = Lulls()
    edges(lulls, (SPEECH, 50), (QUIET, 9))
    assert lulls.quiet_s == pytest.approx(0.09)
