import asyncio
import logging

import pytest

from audio.pcm import FRAME_S
from calls.beat import on_the_beat
from calls.lines.pacer import Cadence, Pacer
from tests.calls.virtual_time import run_in_virtual_time


def test_a_frame_is_due_every_10_ms() -> None:
    cadence = Cadence(100.0)
    assert [cadence.due(100.0 + n * 0.005) for n in range(6)] == [1, 0, 1, 0, 1, 0]


def test_a_small_delay_is_caught_up_with() -> None:
    cadence = Cadence(100.0)
    assert cadence.due(100.035) == 4
    assert cadence.next_s == pytest.approx(100.04)
    assert (cadence.late, cadence.dropped) == (1, 0)


def test_a_long_delay_drops_what_was_missed() -> None:
    cadence = Cadence(100.0)
    assert cadence.due(100.5) == 1
    assert (cadence.late, cadence.dropped) == (1, 50)
    assert cadence.next_s == pytest.approx(100.51)


def test_lateness_never_adds_up() -> None:
    cadence = Cadence(0.0)
    assert sum(cadence.due(n * 0.0107) for n in range(1000)) == pytest.approx(1069, abs=1)


def test_each_open_line_is_pulled_100_times_a_second() -> None:
    async def two_lines() -> tuple[int, int]:
        pacer, pulled = Pacer(), {"a": 0, "b": 0}

        def puller(name: str) -> None:
            pulled[name] += 1

        pacer.add("a", lambda: puller("a"))
        await asyncio.sleep(0.5)
        pacer.add("b", lambda: puller("b"))
        await asyncio.sleep(0.5)
        pacer.remove("a")
        pacer.remove("b")
        return pulled["a"], pulled["b"]

    a, b = run_in_virtual_time(two_lines())
    assert a == pytest.approx(100, abs=1)
    assert b == pytest.approx(50, abs=1)


def test_a_line_that_fails_falls_silent_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def one_fails() -> int:
        pacer, pulled = Pacer(), [0]

        def good() -> None:
            pulled[0] += 1

        def bad() -> None:
            raise RuntimeError("broken")

        pacer.add("bad", bad)
        pacer.add("good", good)
        await asyncio.sleep(0.2)
        pacer.remove("bad")
        pacer.remove("good")
        return pulled[0]

    with caplog.at_level(logging.ERROR):
        assert run_in_virtual_time(one_fails()) == pytest.approx(20, abs=1)
    assert sum("falls silent" in record.message for record in caplog.records) == 1


def test_it_can_begin_again() -> None:
    async def twice() -> int:
        pacer, pulled = Pacer(), [0]

        def pull() -> None:
            pulled[0] += 1

        for _ in range(2):
            pacer.add("line", pull)
            await asyncio.sleep(0.1)
            pacer.remove("line")
            await asyncio.sleep(1)
        return pulled[0]

    assert run_in_virtual_time(twice()) == pytest.approx(20, abs=2)


def test_a_line_that_rests_is_pulled_again_when_it_wakes() -> None:
    async def rests() -> tuple[int, int]:
        pacer, pulled = Pacer(), [0]

        def pull() -> None:
            pulled[0] += 1
            if pulled[0] == 10:
                pacer.rest("line")

        pacer.add("line", pull)
        await asyncio.sleep(1)
        before = pulled[0]
        pacer.wake("line")
        pacer.wake("line")
        await asyncio.sleep(0.1)
        pacer.rest("line")
        pacer.remove("line")
        pacer.wake("line")
        await asyncio.sleep(1)
        return before, pulled[0]

    before, after = run_in_virtual_time(rests())
    assert before == 10
    assert after == pytest.approx(20, abs=1)


def test_while_all_lines_rest_it_rests_too_and_drops_nothing() -> None:
    async def a_long_rest() -> tuple[int, int, float]:
        pacer, pulled = Pacer(), [0]

        def pull() -> None:
            pulled[0] += 1

        pacer.add("a", pull)
        await asyncio.sleep(0.1)
        pacer.rest("a")
        await asyncio.sleep(0.05)
        before, next_s = pulled[0], pacer.cadence.next_s
        await asyncio.sleep(60.0)
        assert (pulled[0], pacer.cadence.next_s) == (before, next_s)
        pacer.wake("a")
        await asyncio.sleep(0.0)
        at_once = pulled[0] - before
        await asyncio.sleep(0.5)
        pacer.remove("a")
        return at_once, pacer.cadence.dropped, pulled[0] - before

    at_once, dropped, in_half_a_second = run_in_virtual_time(a_long_rest())
    assert at_once <= 1
    assert dropped == 0
    assert in_half_a_second == pytest.approx(50, abs=1)


def test_pacers_that_begin_at_different_times_wake_up_together() -> None:
    async def two() -> list[float]:
        times_s: list[float] = []
        pacers = Pacer(), Pacer()
        for pacer in pacers:
            await asyncio.sleep(0.0137)
            pacer.add("line", lambda: times_s.append(asyncio.get_running_loop().time()))
            await asyncio.sleep(0.001)
        times_s.clear()
        await asyncio.sleep(0.1)
        for pacer in pacers:
            pacer.remove("line")
        return times_s

    times_s = run_in_virtual_time(two())
    assert len(times_s) == pytest.approx(20, abs=2)
    assert [now_s for now_s in times_s if now_s - on_the_beat(now_s, FRAME_S) > 0.0001] == []
