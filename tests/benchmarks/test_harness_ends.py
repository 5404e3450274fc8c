from __future__ import annotations

import asyncio
import math
import time

import pytest

from audio.pcm import PLAYOUT_RATE_HZ, as_samples
from benchmarks.harness.microphone import PACKET_BYTES, Microphone
from benchmarks.harness.sounds import tone
from benchmarks.harness.speaker import PacedSpeaker, Speaker

FRAME = tone(0.01, PLAYOUT_RATE_HZ)


def quieter(pcm: bytes) -> bytes:
    return (as_samples(pcm) // 4).astype("<i2").tobytes()


async def test_the_microphone_knows_when_the_first_and_the_last_sample_were_spoken() -> None:
    packets: list[bytes] = []

    async def push(packet: bytes) -> None:
        packets.append(packet)

    microphone = Microphone(push)
    running = asyncio.create_task(microphone.run())
    await microphone.say(tone(0.05))
    running.cancel()

    assert microphone.ended_s - microphone.started_s == pytest.approx(0.05)
    assert {len(packet) for packet in packets} == {PACKET_BYTES}


def test_a_sound_begins_and_ends_with_its_audible_samples() -> None:
    speaker = Speaker()

    speaker.play(bytes(480) + FRAME + bytes(480), PLAYOUT_RATE_HZ, 5.0)

    assert speaker.sounds[0].begin_s == pytest.approx(5.01, abs=0.0002)
    assert speaker.last_before(6.0) == pytest.approx(5.02, abs=0.0005)


def test_silence_is_no_sound() -> None:
    speaker = Speaker()
    speaker.play(bytes(480), PLAYOUT_RATE_HZ, 5.0)

    assert not speaker.sounds
    assert math.isnan(speaker.last_before(9.0))


def test_ducking_is_noticed_where_the_sound_grows_quieter() -> None:
    speaker = Speaker()
    for number in range(10):
        speaker.play(FRAME if number < 7 else quieter(FRAME), PLAYOUT_RATE_HZ, 1 + number / 100)

    assert speaker.quieter_after(1.03) == pytest.approx(1.07, abs=0.001)


def test_where_it_only_stops_it_is_quieter_from_then_on() -> None:
    speaker = Speaker()
    for number in range(5):
        speaker.play(FRAME, PLAYOUT_RATE_HZ, 1 + number / 100)

    assert speaker.quieter_after(1.02) == pytest.approx(1.05, abs=0.001)


def test_a_voice_that_did_not_sound_cannot_grow_quieter() -> None:
    assert math.isnan(Speaker().quieter_after(1.0))


def test_what_is_cut_is_not_heard() -> None:
    speaker = Speaker()
    for number in range(5):
        speaker.play(FRAME, PLAYOUT_RATE_HZ, 1 + number / 100)

    speaker.cut(1.025)

    assert speaker.last_before(9.0) == 1.025


async def test_the_first_sound_after_a_time_is_waited_for() -> None:
    speaker = Speaker()
    waiting = asyncio.create_task(speaker.first_after(2.0))
    await asyncio.sleep(0)
    speaker.play(FRAME, PLAYOUT_RATE_HZ, 1.0)
    speaker.play(FRAME, PLAYOUT_RATE_HZ, 3.0)

    assert await waiting == pytest.approx(3.0, abs=0.001)


async def test_a_sound_that_never_comes_is_not_waited_for_for_ever() -> None:
    assert math.isnan(await Speaker().first_after(2.0, timeout_s=0.01))


async def test_a_paced_speaker_plays_one_piece_after_the_other() -> None:
    speaker = Speaker()
    paced = PacedSpeaker(speaker, ahead_s=1.0)
    first_s = await paced.play(FRAME, PLAYOUT_RATE_HZ)
    second_s = await paced.play(FRAME, PLAYOUT_RATE_HZ)

    assert second_s == pytest.approx(first_s + 0.01)

    await asyncio.sleep(0.002)
    paced.cut()

    assert speaker.last_before(math.inf) <= time.perf_counter()
