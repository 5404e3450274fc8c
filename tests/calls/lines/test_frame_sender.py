import asyncio

import pytest

from audio.pcm import PLAYOUT_FRAME_BYTES
from calls.lines.frame_sender import FrameSender
from tests.calls.waiting import until


def frame(number: int) -> bytes:
    return bytes([number]) * PLAYOUT_FRAME_BYTES


async def nowhere(_: bytes) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("size", [0, 479, 481, 960])
def test_a_frame_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"must have 480 bytes, not {size}"):
        FrameSender(nowhere).offer(bytes(size))


async def test_frames_leave_in_order_and_one_at_a_time() -> None:
    sent: list[int] = []

    async def send(data: bytes) -> None:
        await asyncio.sleep(0)
        sent.append(data[0])

    sender = FrameSender(send)
    task = asyncio.create_task(sender.run())
    for number in range(9):
        await until(lambda: sender.has_room)
        sender.offer(frame(number))
    await until(lambda: sender.sent == 9)
    task.cancel()
    assert sent == list(range(9))
    assert sender.sent == 9


async def test_never_more_than_30_ms_wait() -> None:
    sender = FrameSender(nowhere)
    task = asyncio.create_task(sender.run())
    accepted = 0
    for number in range(10):
        if sender.has_room:
            sender.offer(frame(number))
            accepted += 1
        await asyncio.sleep(0)
    assert accepted == 3
    with pytest.raises(ValueError, match="full"):
        sender.offer(frame(0))
    task.cancel()


async def test_a_call_that_is_gone_ends_the_sending() -> None:
    async def refuse(_: bytes) -> None:
        raise ConnectionError("gone")

    sender = FrameSender(refuse)
    sender.offer(frame(1))
    with pytest.raises(ConnectionError):
        await sender.run()
