"""Scenarios with real media, each run in a process of its own (see ``tests.call_process``)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ntgcalls import ConnectionState

from loopback.media.server import MediaServer
from loopback.people.ear import Ear
from loopback.people.pacer import Pacer
from tests.loopback.media.native_member import CALL_ID, NativeMember, dominant_hz, tone

TAIL_S = 0.5
"""Longer than packets, jitter buffer and loop together take, on a machine that has time."""
LATEST_S = 10.0
"""And on one that has not."""


@asynccontextmanager
async def a_call(*member_ids: int) -> AsyncIterator[tuple[MediaServer, list[NativeMember]]]:
    """A media server and members that are connected."""
    server = MediaServer(rng=random.Random(1))
    await server.start()
    async with Pacer() as pacer:
        members = [NativeMember(server, pacer, member_id) for member_id in member_ids]
        for member in members:
            print(f"member {member.member_id} connected after {await member.join():.3f} s")
        yield server, members
        for member in members:
            await member.leave()
    await server.stop()


async def until_audible(ear: Ear, since_s: float, expected_ms: int) -> None:
    """Wait until so much was heard since then; not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LATEST_S):
            while ear.audible_ms(since_s) < expected_ms:  # noqa: ASYNC110 - an ear does not tell
                await asyncio.sleep(0.02)


async def heard_by(
    listener: NativeMember, speaker: NativeMember, frequency_hz: float, seconds: float = 1.0, expected_ms: int = 0
) -> tuple[int, float]:
    """Let one speak; what the other heard of it: audible milliseconds and the dominant frequency. What is expected is waited for."""
    spoken = await speaker.say(tone(frequency_hz, seconds))
    await asyncio.sleep(TAIL_S)
    ear = listener.ear(speaker)
    await until_audible(ear, spoken.first_s, expected_ms)
    first_s = ear.first_audible_after(spoken.first_s)
    if first_s is None:
        return 0, 0.0
    print(f"member {speaker.member_id} to {listener.member_id}: one way {1000 * (first_s - spoken.first_s):.0f} ms")
    return ear.audible_ms(spoken.first_s), dominant_hz(ear.between(first_s + 0.2, first_s + seconds - 0.2))


async def everybody_hears_everybody() -> None:
    async with a_call(1, 2, 3) as (_, members):
        for number, speaker in enumerate(members):
            frequency_hz = 400.0 + 200 * number
            for listener in members:
                if listener is not speaker:
                    audible_ms, hz = await heard_by(listener, speaker, frequency_hz, expected_ms=800)
                    assert audible_ms >= 800, audible_ms
                    assert abs(hz - frequency_hz) < 5, hz
        for listener in members:
            assert listener.hearing.ssrcs == {other.ssrc for other in members if other is not listener}


async def muted_is_not_heard() -> None:
    async with a_call(1, 2) as (server, [ann, bob]):
        server.set_muted(CALL_ID, 1, True)
        assert (await heard_by(bob, ann, 440))[0] == 0
        server.set_muted(CALL_ID, 1, False)
        assert (await heard_by(bob, ann, 440, expected_ms=800))[0] >= 800


async def rejoining_is_heard_again() -> None:
    async with a_call(1, 2) as (server, [ann, bob]):
        first_ssrc = ann.ssrc
        await ann.leave()
        assert server.silent_for_s(CALL_ID, 1) is None
        await ann.join()
        assert ann.ssrc != first_ssrc
        assert (await heard_by(bob, ann, 440, expected_ms=800))[0] >= 800
        assert (await heard_by(ann, bob, 660, expected_ms=800))[0] >= 800


async def lost_packets_are_concealed() -> None:
    async with a_call(1, 2) as (server, [ann, bob]):
        server.loss = 0.05
        audible_ms, hz = await heard_by(bob, ann, 440, seconds=3.0, expected_ms=2700)
        assert audible_ms >= 2700, audible_ms
        assert abs(hz - 440) < 5, hz
        server.loss = 1.0
        assert (await heard_by(bob, ann, 440))[0] <= 200


async def black_hole_swallows_and_gives_back() -> None:
    async with a_call(1, 2) as (server, [ann, bob]):
        assert (await heard_by(bob, ann, 440, expected_ms=800))[0] >= 800
        server.black_hole(CALL_ID, 1, True)
        assert (await heard_by(bob, ann, 440, seconds=3.0))[0] <= 200
        silent_for_s = server.silent_for_s(CALL_ID, 1)
        assert silent_for_s is not None
        assert silent_for_s >= 3.0
        assert ann.state == ConnectionState.CONNECTED
        server.black_hole(CALL_ID, 1, False)
        assert (await heard_by(bob, ann, 440, seconds=5.0, expected_ms=1500))[0] >= 1500
        silent_for_s = server.silent_for_s(CALL_ID, 1)
        assert silent_for_s is not None
        assert silent_for_s < 3.0


async def stalled_network_recovers() -> None:
    async with a_call(1, 2) as (server, [ann, bob]):
        await heard_by(bob, ann, 440)
        server.hold(CALL_ID, 2, True)
        spoken = await ann.say(tone(660, 0.6))
        await asyncio.sleep(TAIL_S)
        assert bob.ear(ann).audible_ms(spoken.first_s) <= 200
        server.hold(CALL_ID, 2, False)
        assert (await heard_by(bob, ann, 440, seconds=5.0, expected_ms=500))[0] >= 500


async def dead_server_never_connects() -> None:
    server = MediaServer()
    await server.start()
    server.dead = True
    async with Pacer() as pacer:
        ann = NativeMember(server, pacer, 1)
        with pytest.raises(TimeoutError):
            await ann.join(within_s=5.0)
        assert server.silent_for_s(CALL_ID, 1) is None
        server.dead = False
        ann = NativeMember(server, pacer, 1)
        await ann.join()
        assert server.silent_for_s(CALL_ID, 1) is not None
        await ann.leave()
    await server.stop()
