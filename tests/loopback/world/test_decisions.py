"""The world's decisions by themselves: floods, media time-outs, mailboxes, access hashes, faults."""

from __future__ import annotations

import asyncio

import pytest

from loopback.mtproto.wire import RpcFailure
from loopback.settings import LoopbackSettings
from loopback.world.access import AccessHashes
from loopback.world.accounts import Account
from loopback.world.call_media import timed_out
from loopback.world.faults import Faults
from loopback.world.floods import FORGIVEN_AFTER_S, FloodLimiter
from loopback.world.mailbox import Change, Content, Mailbox
from loopback.world.named_faults import UnknownFault, faults_named
from loopback.world.registry import Registry, answers
from loopback.world.request_log import RequestLog

JOIN = "phone.JoinGroupCall"


def test_waits_grow_with_each_flood_and_are_forgiven() -> None:
    limiter = FloodLimiter()
    now, waits = 0.0, []
    for _ in range(4):
        assert [limiter.wait_s(1, JOIN, now) for _ in range(3)] == [None] * 3
        wait_s = limiter.wait_s(1, JOIN, now)
        assert wait_s is not None
        waits.append(wait_s)
        now += wait_s
    assert waits == [3, 11, 38, 38]
    now += FORGIVEN_AFTER_S + 1
    assert [limiter.wait_s(1, JOIN, now) for _ in range(4)] == [None, None, None, 3]


def test_during_a_flood_the_rest_of_the_wait_is_told() -> None:
    limiter = FloodLimiter()
    assert [limiter.wait_s(1, JOIN, 0.0) for _ in range(4)] == [None, None, None, 3]
    assert limiter.wait_s(1, JOIN, 1.2) == 2
    assert limiter.wait_s(2, JOIN, 1.2) is None
    assert limiter.wait_s(1, "messages.SendMessage", 1.2) is None


def test_a_steady_pace_is_no_flood() -> None:
    limiter = FloodLimiter()
    assert {limiter.wait_s(1, "messages.EditMessage", second) for second in range(0, 600, 3)} == {None}
    assert {limiter.wait_s(1, JOIN, float(second)) for second in range(0, 600, 4)} == {None}


@pytest.mark.parametrize(
    ("in_call_s", "silent_for_s", "out"),
    [(17.9, None, False), (18.0, None, True), (100.0, 0.0, False), (100.0, 29.9, False), (100.0, 30.0, True)],
)
def test_media_time_outs(in_call_s: float, silent_for_s: float | None, out: bool) -> None:
    assert timed_out(in_call_s, silent_for_s, LoopbackSettings()) is out


def test_a_mailbox_counts_every_change() -> None:
    ann = Account(1, "Ann")
    box = Mailbox(pts=100)
    one, two = box.add(ann, Content(ann, 0, "one")), box.add(ann, Content(ann, 0, "two"))
    box.edited(one)
    assert [message.id for message in box.delete([one.id, two.id, 77])] == [1, 2]
    assert box.delete([77]) == []
    assert [(entry.pts, entry.change) for entry in box.since(101)] == [
        (102, Change.NEW),
        (103, Change.EDITED),
        (105, Change.DELETED),
    ]
    assert (box.pts, box.add(ann, Content(ann, 0)).id) == (105, 3)


def test_access_hashes_differ_by_viewer_and_outlive_a_restart() -> None:
    one, again, other = AccessHashes(b"key"), AccessHashes(b"key"), AccessHashes(b"other key")
    assert one.of_user(1, 2) == again.of_user(1, 2)
    assert len({one.of_user(1, 2), one.of_user(3, 2), one.of_stranger(1, 2), one.of_chat(1, 2), other.of_user(1, 2)}) == 5


async def test_faults_strike_as_often_as_they_are_told() -> None:
    faults = Faults(lambda: 0.0)
    faults.fail("phone.*", 403, "GROUPCALL_FORBIDDEN", times=2, account_id=1)
    await faults.strike(JOIN, 2, None)
    await faults.strike("messages.SendMessage", 1, None)
    for _ in range(2):
        with pytest.raises(RpcFailure, match="GROUPCALL_FORBIDDEN"):
            await faults.strike(JOIN, 1, None)
    await faults.strike(JOIN, 1, None)
    faults.delay("*")
    faults.clear()
    await asyncio.wait_for(faults.strike(JOIN, 1, None), 1)


async def test_a_fault_that_lasts_counts_its_seconds_down() -> None:
    now = [100.0]
    faults = Faults(lambda: now[0])
    for fault in faults_named("flood", now[0], seconds=20, methods=("phone.*",)):
        faults.add(fault)
    with pytest.raises(RpcFailure, match="FLOOD_WAIT_20'"):
        await faults.strike(JOIN, 1, None)
    now[0] = 112.5
    with pytest.raises(RpcFailure, match="FLOOD_WAIT_8'"):
        await faults.strike(JOIN, 1, None)
    now[0] = 120.0
    await faults.strike(JOIN, 1, None)


async def test_a_fault_is_lifted_by_its_name() -> None:
    faults = Faults(lambda: 0.0)
    for name in ("frozen", "call_forbidden"):
        for fault in faults_named(name, 0.0):
            faults.add(fault)
    assert faults.lift("frozen") == 1
    assert faults.lift("frozen") == 0
    with pytest.raises(RpcFailure, match="GROUPCALL_FORBIDDEN"):
        await faults.strike(JOIN, 1, None)


def test_faults_that_cannot_be_had_are_explained() -> None:
    with pytest.raises(UnknownFault, match="there is no fault 'nonsense'; known are call_forbidden, "):
        list(faults_named("nonsense", 0.0))
    with pytest.raises(UnknownFault, match="name it"):
        list(faults_named("channel_private", 0.0))


def test_the_request_log_is_bounded() -> None:
    log = RequestLog(size=3)
    for number in range(5):
        log.note(float(number), number % 2, f"phone.M{number}", None)
    assert [r.method for r in log.seen()] == ["phone.M2", "phone.M3", "phone.M4"]
    assert [r.method for r in log.seen("phone.*", 0)] == ["phone.M2", "phone.M4"]
    log.clear()
    assert len(log) == 0


def test_a_request_is_answered_in_one_place() -> None:
    class One:
        @answers(int)
        def answer(self) -> None: ...

    with pytest.raises(ValueError, match="int is answered twice"):
        Registry(One(), One())
