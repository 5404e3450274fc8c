"""Our own limits on what is asked of Telegram, and what Telegram asks of us."""

from __future__ import annotations

import asyncio

import pytest

from calls.admission import Admission, LoadMeter
from calls.errors import CallError
from calls.gates import JOIN_CALL, Gates, JoinGate
from tests.calls.virtual_time import run_in_virtual_time


def test_five_joins_at_once_are_spread_so_that_telegram_sees_three_in_ten_seconds() -> None:
    async def work() -> list[float]:
        clock = asyncio.get_running_loop().time
        gates, began_s = Gates(clock), clock()

        async def join() -> float:
            await gates.admit(JOIN_CALL)
            return clock() - began_s

        return sorted(await asyncio.gather(*(join() for _ in range(5))))

    assert run_in_virtual_time(work()) == pytest.approx([0, 0, 0, 10.5, 10.5])


def test_what_the_process_before_sent_counts() -> None:
    now = [100.0]
    gates = Gates(lambda: now[0])
    gates.remember(JOIN_CALL, [9.0, 2.0, 2.0])
    gates.remember("messages.ReadHistory", [1.0])
    assert gates.wait_s(JOIN_CALL) == pytest.approx(1.5)
    now[0] += 1.5
    assert gates.wait_s(JOIN_CALL) == 0.0


def test_what_telegram_wants_left_alone_is_left_alone() -> None:
    async def work() -> None:
        gates = Gates(asyncio.get_running_loop().time)
        gates.close(JOIN_CALL, 38)
        with pytest.raises(CallError, match="wait 38 seconds"):
            await gates.admit(JOIN_CALL)
        await asyncio.sleep(38)
        await gates.admit(JOIN_CALL)

    run_in_virtual_time(work())


def test_joins_are_limited_per_chat_and_per_account() -> None:
    now = [0.0]
    gates = Gates(lambda: now[0])
    gates.joins(-1, auto=True)
    assert gates.join_wait_s(-1, auto=False) == (10.0, JoinGate.CHAT_PAUSE)
    assert gates.join_wait_s(-2, auto=False) is None
    for _ in range(5):
        now[0] += 11
        gates.joins(-1, auto=True)
    now[0] += 11
    reached = gates.join_wait_s(-1, auto=True)
    assert reached is not None
    assert reached[1] is JoinGate.AUTO_PER_CHAT
    for chat_id in range(-30, -16):
        gates.joins(chat_id, auto=False)
    reached = gates.join_wait_s(-99, auto=False)
    assert reached is not None
    assert reached[1] is JoinGate.PER_ACCOUNT


def test_a_machine_that_stumbles_takes_no_more_calls() -> None:
    meter = LoadMeter()
    admission = Admission(10, lambda: meter.lost_share)
    meter.note(0.0, 0)
    assert admission.refusal(1) is None
    meter.note(10.0, 100)
    refusal = admission.refusal(1)
    assert refusal is not None
    assert refusal.key == "call_error.overloaded"
    assert admission.refusal(0) is None
