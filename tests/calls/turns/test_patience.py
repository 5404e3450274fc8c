from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calls.turns.patience import NOTHING, PROFILES, WEIGHTS, Evidence, Patience, Waits

PROBABILITY = st.floats(0, 1)
WORDS = st.none() | st.floats(-1, 1)
READINGS = st.lists(PROBABILITY, max_size=5).map(tuple)
EVIDENCE = st.builds(Evidence, READINGS, WORDS)
PROFILE = st.sampled_from(sorted(PROFILES))
PAUSES = st.lists(st.floats(0.05, 5.0), max_size=40)


def patience_of(profile: str, pauses_s: list[float]) -> Patience:
    patience = Patience(PROFILES[profile])
    for pause_s in pauses_s:
        patience.learn(pause_s)
    return patience


@pytest.mark.parametrize(("profile", "wait_s"), [("fast", 0.5), ("balanced", 0.7), ("patient", 1.5)])
def test_knowing_nothing_it_is_the_rule_of_a_voice_activity_detector(profile: str, wait_s: float) -> None:
    assert Patience(PROFILES[profile]).wait_s() == wait_s


def test_an_evidently_complete_question_is_answered_soon() -> None:
    assert 0.2 <= Patience().wait_s(Evidence((0.97,), 0.9)) <= 0.3
    assert 0.2 <= Patience().wait_s(Evidence((), 0.9)) <= 0.3


def test_an_evidently_incomplete_turn_is_waited_for() -> None:
    assert 1.5 <= Patience().wait_s(Evidence((0.03,), -0.9)) <= 2.5
    assert 1.5 <= Patience().wait_s(Evidence((), -0.9)) <= 2.5


def test_words_that_dangle_outweigh_a_sound_that_is_sure() -> None:
    assert Patience().wait_s(Evidence((0.99,), -0.9)) > Patience().wait_s()


@given(PROFILE, PAUSES, EVIDENCE)
def test_never_outside_the_bounds(profile: str, pauses_s: list[float], evidence: Evidence) -> None:
    waits = PROFILES[profile]
    assert waits.shortest_s <= patience_of(profile, pauses_s).wait_s(evidence) <= waits.longest_s


@given(PROFILE, PAUSES, READINGS, PROBABILITY, PROBABILITY, WORDS)
def test_the_more_complete_it_sounds_the_shorter_the_wait(
    profile: str, pauses_s: list[float], readings: tuple[float, ...], less: float, more: float, words: float | None
) -> None:
    assume(less <= more)
    patience = patience_of(profile, pauses_s)
    assert patience.wait_s(Evidence((*readings, more), words)) <= patience.wait_s(Evidence((*readings, less), words)) + 1e-9


@given(PROFILE, PAUSES, READINGS, st.floats(-1, 1), st.floats(-1, 1))
def test_the_more_finished_the_words_the_shorter_the_wait(
    profile: str, pauses_s: list[float], readings: tuple[float, ...], less: float, more: float
) -> None:
    assume(less <= more)
    patience = patience_of(profile, pauses_s)
    assert patience.wait_s(Evidence(readings, more)) <= patience.wait_s(Evidence(readings, less)) + 1e-9


@given(PROFILE, PAUSES.filter(bool), st.floats(0, 5.0), EVIDENCE)
def test_longer_pauses_never_make_it_less_patient(profile: str, pauses_s: list[float], longer_s: float, evidence: Evidence) -> None:
    longer = [pause_s + longer_s for pause_s in pauses_s]
    assert patience_of(profile, longer).wait_s(evidence) >= patience_of(profile, pauses_s).wait_s(evidence) - 1e-9


def test_a_speaker_who_pauses_long_is_given_more_time_and_a_quick_one_less() -> None:
    assert patience_of("balanced", [1.2] * 10).wait_s() > 0.9
    assert patience_of("balanced", [0.2] * 10).wait_s() < 0.6


def test_one_long_pause_does_not_change_much() -> None:
    assert patience_of("balanced", [2.0]).wait_s() < 0.95


def test_old_pauses_are_forgotten() -> None:
    assert patience_of("balanced", [1.9] * 10 + [0.2] * 24).wait_s() == patience_of("balanced", [0.2] * 24).wait_s()


def test_news_is_added_to_what_is_known() -> None:
    assert NOTHING.heard(0.3).read(0.9).heard(0.5) == Evidence((0.3, 0.5), 0.9)
    assert WEIGHTS.odds(NOTHING) == 0.0


def test_waits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="grow"):
        Waits(0.5, 0.4, 2.0)
