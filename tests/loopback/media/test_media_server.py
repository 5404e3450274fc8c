"""Who is in, without any media."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aioice import stun

from loopback.media.payload import JoinPayloadError
from loopback.media.server import MediaServer
from tests.loopback.media.test_packets import rtp
from tests.loopback.media.test_payload_and_answer import OFFER


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[MediaServer]:
    server = MediaServer(clock=clock)
    await server.start()
    yield server
    await server.stop()


async def check(server: MediaServer, ufrag: str, pwd: str, within_s: float = 0.2) -> bool:
    """One connectivity check; whether it was answered."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:theirs"
    request.add_message_integrity(pwd.encode())
    return bool(await exchange(server, bytes(request), within_s))


async def exchange(server: MediaServer, packet: bytes, within_s: float = 0.2) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((server.host, server.port))
        await loop.sock_sendall(client, packet)
        try:
            return await asyncio.wait_for(loop.sock_recv(client, 2048), within_s)
        except TimeoutError:
            return b""


async def test_two_servers_take_two_ports_from_32000_on(server: MediaServer) -> None:
    other = MediaServer()
    await other.start()
    assert server.port != other.port
    assert min(server.port, other.port) >= 32000
    await other.stop()


async def test_checks_are_ignored_for_a_moment_then_answered(server: MediaServer, clock: Clock) -> None:
    transport = server.join(1, 2, OFFER)["transport"]
    clock.now_s += 0.2
    assert not await check(server, transport["ufrag"], transport["pwd"])
    clock.now_s += 0.1
    assert await check(server, transport["ufrag"], transport["pwd"], within_s=10)


async def test_only_who_knows_the_password_is_answered(server: MediaServer, clock: Clock) -> None:
    transport = server.join(1, 2, OFFER)["transport"]
    clock.now_s += 1
    assert not await check(server, transport["ufrag"], "guessed")
    assert not await check(server, "stranger", transport["pwd"])
    server.leave(1, 2)
    assert not await check(server, transport["ufrag"], transport["pwd"])


@pytest.mark.parametrize("packet", [b"\x16nobody", b"\x80\x6fnobody at all", b"\x80\xc8nobody", b"\xff\xff", b"\x00\x01nonsense"])
async def test_packets_of_strangers_are_ignored(server: MediaServer, packet: bytes) -> None:
    assert await exchange(server, packet) == b""


async def test_faults_keep_checks_from_being_answered(server: MediaServer, clock: Clock) -> None:
    transport = server.join(1, 2, OFFER)["transport"]
    clock.now_s += 1
    server.black_hole(1, 2, True)
    assert not await check(server, transport["ufrag"], transport["pwd"])
    server.black_hole(1, 2, False)
    server.dead = True
    assert not await check(server, transport["ufrag"], transport["pwd"])
    server.dead = False
    assert await check(server, transport["ufrag"], transport["pwd"], within_s=10)


async def test_held_packets_come_late(server: MediaServer, clock: Clock) -> None:
    transport = server.join(1, 2, OFFER)["transport"]
    clock.now_s += 1
    server.hold(1, 2, True)
    asyncio.get_running_loop().call_later(0.1, server.hold, 1, 2, False)
    began_s = time.monotonic()
    assert await check(server, transport["ufrag"], transport["pwd"], within_s=10)
    assert time.monotonic() - began_s >= 0.1
    server.hold(1, 2, False)


async def test_without_a_handshake_nobody_counts_as_connected(server: MediaServer, clock: Clock) -> None:
    transport = server.join(1, 2, OFFER)["transport"]
    assert server.silent_for_s(1, 2) is None
    clock.now_s += 1
    await check(server, transport["ufrag"], transport["pwd"])
    assert server.silent_for_s(1, 2) is None
    assert server.silent_for_s(1, 3) is None


async def test_joining_again_replaces_the_connection(server: MediaServer, clock: Clock) -> None:
    first = server.join(1, 2, OFFER)["transport"]
    second = server.join(1, 2, {**OFFER, "ssrc": 9})["transport"]
    clock.now_s += 1
    assert not await check(server, first["ufrag"], first["pwd"])
    assert await check(server, second["ufrag"], second["pwd"], within_s=10)
    connection = server.connection(1, 2)
    assert connection is not None
    assert connection.ssrc == 9


async def test_bad_payload_leaves_the_old_connection_alone(server: MediaServer) -> None:
    server.join(1, 2, OFFER)
    with pytest.raises(JoinPayloadError):
        server.join(1, 2, {})
    assert server.connection(1, 2) is not None


async def test_leaving_twice_or_never_having_been_there_is_no_error(server: MediaServer) -> None:
    server.join(1, 2, OFFER)
    server.leave(1, 2)
    server.leave(1, 2)
    server.leave(8, 9)
    assert server.connection(1, 2) is None


class Wire:
    """Stands where a connection would, without its encryption."""

    def __init__(self) -> None:
        self.forwarded: list[bytes] = []

    def decrypt(self, packet: bytes) -> bytes:
        return packet

    def forward(self, plain: bytes) -> None:
        self.forwarded.append(plain)


WITH_LEVEL = rtp(b"\x10\x8f\x00\x00")


def forwarded(server: MediaServer, packet: bytes, times: int = 1) -> int:
    """How often somebody gets a packet that another one sends so often."""
    wires: dict[int, Any] = {1: Wire(), 2: Wire()}
    server._calls[5] = wires
    for _ in range(times):
        server._receive_sound((5, 1), packet)
    del server._calls[5]
    assert not wires[1].forwarded
    return len(wires[2].forwarded)


def test_only_opus_is_forwarded() -> None:
    assert forwarded(MediaServer(), WITH_LEVEL) == 1
    assert forwarded(MediaServer(), WITH_LEVEL.replace(b"\xef", b"\xe4", 1)) == 0


def test_sound_without_its_level_is_not_routed_unless_asked_for() -> None:
    assert forwarded(MediaServer(), rtp()) == 0
    assert forwarded(MediaServer(only_with_audio_level=False), rtp()) == 1


def test_mute_lasts_until_leaving() -> None:
    server = MediaServer()
    server.set_muted(5, 1, True)
    assert forwarded(server, WITH_LEVEL) == 0
    server.set_muted(5, 1, False)
    assert forwarded(server, WITH_LEVEL) == 1
    server.set_muted(5, 1, True)
    server.leave(5, 1)
    assert forwarded(server, WITH_LEVEL) == 1


def test_loss_is_a_share_of_what_is_forwarded() -> None:
    server = MediaServer(rng=random.Random(1))
    server.loss = 0.05
    assert 930 <= forwarded(server, WITH_LEVEL, times=1000) <= 970
    server.loss = 1.0
    assert forwarded(server, WITH_LEVEL, times=10) == 0
