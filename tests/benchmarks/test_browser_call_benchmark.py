"""What the benchmark of the browser call makes of the levels that it has recorded."""

from __future__ import annotations

import pytest

from benchmarks.browser_call import LOUD, Levels, answers_ms, audible, cuts_ms, row_of, stretches


def levels(seconds: float, microphone: list[tuple[float, float]], played: list[tuple[float, float]]) -> Levels:
    def loud(at_s: float, when: list[tuple[float, float]]) -> float:
        return 10 * LOUD if any(began_s <= at_s < ended_s for began_s, ended_s in when) else 0.0

    return [(tick / 100, loud(tick / 100, microphone), loud(tick / 100, played)) for tick in range(int(seconds * 100))]


def test_a_question_with_a_pause_is_one() -> None:
    assert stretches(levels(5, [(1.0, 1.5), (2.0, 3.0)], []), 1, 2.0) == [(1.0, 2.99)]


def test_the_time_to_each_answer() -> None:
    heard = levels(30, [(1, 2), (10, 11), (20, 21)], [(3.2, 5), (21.5, 23)])
    first, second, third = answers_ms(heard)
    assert first == pytest.approx(1210)
    assert second is None
    assert third == pytest.approx(510)


def test_how_long_an_answer_goes_on_into_an_interruption() -> None:
    (cut,) = cuts_ms(levels(30, [(5, 7), (20, 22)], [(3, 5.3), (8, 10)]))
    assert cut == pytest.approx(290)


def test_what_is_played_while_the_page_is_muted_is_not_heard() -> None:
    played = audible([(1.0, 0.0, 0.5), (1.1, 0.0, 0.5), (1.4, 0.0, 0.5)], [(1.05, True), (1.3, False)])
    assert [row[2] for row in played] == [0.5, 0.0, 0.5]


def test_the_row() -> None:
    row = row_of([900.0, None, 1100.0], [], [3.0, 5.0])
    assert (row.turns, row.missed, row.p50_ms, row.cuts, row.session_max_ms) == (2, 1, 1000.0, 0, 5.0)
