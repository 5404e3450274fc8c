"""What is on its way over a WebSocket is in order, bounded, and known to be stuck."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from calls.lines.allowance import Allowance
from calls.lines.socket_sender import MOST_TEXTS, SocketSender


@dataclass
class FarEnd:
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    got: list[str | bytes] = field(default_factory=list)
    gone: bool = False

    async def send_bytes(self, data: bytes) -> None:
        await self._take(data)

    async def send_str(self, data: str) -> None:
        await self._take(data)

    async def _take(self, data: str | bytes) -> None:
        if self.gone:
            raise ConnectionResetError
        await self.reads.wait()
        self.got.append(data)


async def test_messages_leave_in_order_and_wait_for_the_far_end() -> None:
    far_end, now = FarEnd(), [5.0]
    sender = SocketSender(far_end, lambda: now[0])
    running = asyncio.create_task(sender.run())
    sender.text("a")
    sender.sound(b"1")
    sender.text("b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    now[0] = 8.0
    assert sender.stuck_s == 3.0
    far_end.reads.set()
    await sender.sent()
    assert far_end.got == ["a", b"1", "b"]
    assert sender.stuck_s == 0.0
    running.cancel()


async def test_sound_is_bounded_and_can_be_forgotten() -> None:
    sender = SocketSender(FarEnd(), lambda: 0.0)
    for _ in range(3):
        assert sender.has_room
        sender.sound(b"1")
    assert not sender.has_room
    sender.text("a")
    assert sender.forget_sound() == 3
    assert sender.has_room


async def test_texts_are_bounded() -> None:
    sender = SocketSender(FarEnd(), lambda: 0.0)
    assert all(sender.text("a") for _ in range(MOST_TEXTS))
    assert not sender.text("a")


async def test_a_far_end_that_is_gone_ends_it() -> None:
    sender = SocketSender(FarEnd(gone=True), lambda: 0.0)
    sender.text("a")
    with pytest.raises(ConnectionResetError):
        await sender.run()


def test_twice_the_speed_of_sound_lasts_only_as_long_as_what_was_saved() -> None:
    allowance, now_s = Allowance(per_s=1.02, most=10.0), 0.0
    while allowance.spend(0.2, now_s):
        now_s += 0.1
    assert 9.5 < now_s < 11.0
    assert allowance.spend(0.2, now_s + 1.0)


def test_real_time_goes_on_for_ever() -> None:
    allowance = Allowance(per_s=1.02, most=1.0)
    assert all(allowance.spend(0.1, step * 0.1) for step in range(10_000))
