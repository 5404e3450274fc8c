"""What leaves a mouth, and when."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from loopback.people.mouth import SILENCE, Mouth, NothingSaid, Spoken, speech_bounds
from loopback.people.pacer import Pacer

FRAME = 240


def clip(*, before: int = 0, speech: int = FRAME, after: int = 0, value: int = 1000) -> bytes:
    return bytes(np.concatenate([np.zeros(before), np.full(speech, value), np.zeros(after)]).astype("<i2").tobytes())


async def say(mouth: Mouth, pcm: bytes, rate_hz: int = 24000) -> asyncio.Task[Spoken]:
    task = asyncio.create_task(mouth.say(pcm, rate_hz))
    await asyncio.sleep(0)
    return task


def test_speech_is_between_the_silences() -> None:
    assert speech_bounds(clip(before=100, speech=50, after=70)) == (100, 149)
    assert speech_bounds(clip(value=-300)) == (0, FRAME - 1)


async def test_silence_while_there_is_nothing_to_say() -> None:
    assert Mouth().next_frame(1.0) == SILENCE


async def test_times_are_of_the_first_and_last_speech_sample() -> None:
    mouth = Mouth()
    task = await say(mouth, clip(before=FRAME + 120, speech=FRAME, after=FRAME))
    frames = [mouth.next_frame(10.0 + 0.01 * number) for number in range(4)]
    spoken = await task
    assert [len(frame) for frame in frames] == [480] * 4
    assert b"".join(frames) == spoken.pcm
    assert spoken.began_s == 10.0
    assert spoken.first_s == pytest.approx(10.015)
    assert spoken.last_s == pytest.approx(10.02 + 119 / 24000)
    assert mouth.said == [spoken]
    assert mouth.next_frame(10.04) == SILENCE


async def test_late_frames_shift_the_times() -> None:
    mouth = Mouth()
    task = await say(mouth, clip(speech=2 * FRAME))
    mouth.next_frame(10.0)
    mouth.next_frame(10.5)
    assert (await task).last_s == pytest.approx(10.5 + 239 / 24000)


async def test_clips_follow_each_other() -> None:
    mouth = Mouth()
    first, second = await say(mouth, clip(value=1000)), await say(mouth, clip(value=2000))
    assert mouth.next_frame(1.0) == clip(value=1000)
    assert mouth.next_frame(1.01) == clip(value=2000)
    assert ((await first).began_s, (await second).began_s) == (1.0, 1.01)


async def test_16_khz_is_resampled() -> None:
    mouth = Mouth()
    task = await say(mouth, clip(speech=1600), 16000)
    while not task.done():
        mouth.next_frame(1.0)
        await asyncio.sleep(0)
    assert len((await task).pcm) == 2400 * 2


async def test_a_clip_of_silence_is_refused() -> None:
    with pytest.raises(NothingSaid, match=r"nothing audible in the clip. Check the recording or the voice engine."):
        await Mouth().say(clip(value=299))
    with pytest.raises(NothingSaid):
        await Mouth().say(b"")


async def test_hush_tells_whoever_waits() -> None:
    mouth = Mouth()
    task = await say(mouth, clip(speech=10 * FRAME))
    mouth.next_frame(1.0)
    mouth.hush("the call has ended")
    with pytest.raises(NothingSaid, match="not said to its end: the call has ended"):
        await task
    assert mouth.next_frame(1.01) == SILENCE


async def test_cancelling_stops_the_clip() -> None:
    mouth = Mouth()
    task = await say(mouth, clip(speech=10 * FRAME))
    mouth.next_frame(1.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert mouth.next_frame(1.01) == SILENCE
    assert not mouth.said


async def test_pacer_gives_each_frame_once_and_in_order() -> None:
    sent: list[bytes] = []

    async def send(frame: bytes) -> None:
        sent.append(frame)

    async with Pacer() as pacer:
        mouth = Mouth()
        pacer.add(mouth, send, lost=lambda: None)
        pcm = bytes(np.arange(1000, 1000 + 5 * FRAME).astype("<i2").tobytes())
        await mouth.say(pcm)
        pacer.remove(mouth)
    assert pcm in b"".join(sent)


async def test_pacer_tells_who_has_lost_the_call_and_serves_the_others() -> None:
    async def broken(_: bytes) -> None:
        raise ConnectionError("not in a call")

    async def working(_: bytes) -> None:
        return

    async with Pacer() as pacer:
        ann, bob = Mouth(), Mouth()
        said = asyncio.create_task(bob.say(clip(speech=10 * FRAME)))
        lost = asyncio.create_task(ann.say(clip(speech=10 * FRAME)))
        await asyncio.sleep(0)
        pacer.add(ann, broken, lost=lambda: ann.hush("the call has ended"))
        pacer.add(bob, working, lost=lambda: None)
        with pytest.raises(NothingSaid, match="the call has ended"):
            await lost
        assert (await said).pcm == clip(speech=10 * FRAME)
