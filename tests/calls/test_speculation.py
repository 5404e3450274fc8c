"""The budget of work ahead of time."""

from __future__ import annotations

from calls.speculation import Speculation


def test_a_lull_is_only_listened_to_while_nobody_elses_words_are_awaited() -> None:
    speculation = Speculation()
    assert speculation.may_listen_in_a_lull()
    with speculation.transcription():
        assert not speculation.may_listen_in_a_lull()
    assert speculation.may_listen_in_a_lull()


def test_glimpses_take_half_of_the_time_at_most_and_give_way_to_everything_else() -> None:
    speculation, now_s = Speculation(), 10.0
    with speculation.glimpse(lambda: now_s):
        assert not speculation.may_glimpse(now_s)
        assert speculation.may_listen_in_a_lull()
        now_s = 10.2
    assert not speculation.may_glimpse(10.39)
    assert speculation.may_glimpse(10.4)
    with speculation.transcription():
        assert not speculation.may_glimpse(10.4)


def test_under_load_work_ahead_is_shed_and_counted() -> None:
    speculation = Speculation(most_at_once=1)
    with speculation.transcription():
        assert not speculation.may_work_ahead()
    assert speculation.may_work_ahead()
    assert speculation.shed == 1


def test_without_a_budget_nothing_is_begun_early() -> None:
    speculation = Speculation(most_at_once=0)
    assert not speculation.may_work_ahead()
    assert not speculation.may_listen_in_a_lull()
    assert not speculation.may_glimpse(0.0)


def test_the_hit_rate_is_what_was_spoken_of_what_was_begun() -> None:
    speculation = Speculation()
    assert speculation.hit_rate is None
    speculation.begun, speculation.used = 4, 3
    assert speculation.hit_rate == 0.75
