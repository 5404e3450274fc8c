from __future__ import annotations

import pytest

from benchmarks.interleavings import Job, Outcome, depth_for, done, jobs_for, main, replay
from tests.calls.interleavings.search import OPENINGS


@pytest.mark.parametrize(("count", "depth"), [(1_000, 1), (10_000, 2), (100_000, 3), (1_000_000, 4)])
def test_more_interleavings_are_enumerated_deeper(count: int, depth: int) -> None:
    assert depth_for(count) == depth


def test_the_work_is_every_opening_with_each_first_step_and_then_random_ones() -> None:
    jobs = list(jobs_for(1_000, depth=2, seed=7))
    enumeration = [job for job in jobs if not job.is_random]
    assert sum(job.depth == 0 for job in enumeration) == len(OPENINGS)
    assert len({job.opening for job in enumeration}) > 5 * len(OPENINGS)
    assert [(job.seed, job.first, job.count) for job in jobs if job.is_random][:2] == [(7, 0, 500), (7, 500, 500)]


def test_a_job_counts_what_it_played() -> None:
    total = Outcome()
    total.add(done(Job(opening=("A", "h", "h", "A"), depth=1)))
    total.add(done(Job(seed=3, first=10, count=5)))
    assert total.random == 5
    assert total.enumerated > 10
    assert total.interleavings == total.random + total.enumerated
    total.add(done(Job(seed=3, first=10, count=5)))
    assert total.random == 10
    assert total.interleavings == 5 + total.enumerated
    assert total.broken == 0
    assert total.happened["TurnBegan"] >= total.enumerated


def test_a_schedule_with_unknown_actions_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["interleavings.py", "--replay", "A q"])
    assert main() == 2
    assert "No such action: q. The actions are A, B, h, " in capsys.readouterr().err


def test_one_schedule_is_replayed_as_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay("A h h A s+ h t+ h v+ h rest") == 0
    story = capsys.readouterr().out
    assert story.index("TurnBegan") < story.index("ReplyBegan") < story.index(": baba") < story.index("ExchangeEnded")
    assert story.endswith("Nothing is broken.\n")
