"""The parts of MTProto by themselves: frames, encryption, salts, answers, keys."""

from __future__ import annotations

import asyncio
import os
import random
import stat
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from telethon.crypto import AuthKey
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import functions as f
from telethon.tl import types as t

from errors import SettingsError
from loopback.mtproto.crypto import decrypt_from_client, encrypt_to_client, load_rsa_key
from loopback.mtproto.salts import PERIOD_S, Salts
from loopback.mtproto.server import MTProtoServer
from loopback.mtproto.session import Authorisation
from loopback.mtproto.transport import Abridged, Full, Intermediate, recognise
from loopback.mtproto.wire import IntVector, ProtocolViolation, decode, encode, encode_result
from loopback.state import load_keys, save_keys

PACKETS = [b"word", b"x" * 508, os.urandom(70_000)]
NOISE = random.Random(1).randbytes(68)
"""Always the same: one noise in sixty begins as a transport does."""


class Line:
    """Stands for a connection."""

    closing = False

    def write(self, packet: bytes) -> None: ...


def plain(body: bytes) -> bytes:
    """An unencrypted message."""
    return struct.pack("<qqi", 0, 4, len(body)) + body


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize(("tag", "codec"), [(b"", Full), (b"\xef", Abridged), (b"\xee" * 4, Intermediate)])
async def test_frames_are_recognised_and_read(tag: bytes, codec: type, packet: bytes) -> None:
    channel = await recognise(reader_of(tag + codec().encode(packet)))
    assert await channel.read() == packet
    assert channel.frame(packet) == codec().encode(packet)


async def test_padding_is_cut_off() -> None:
    channel = await recognise(reader_of(b"\xdd" * 4 + struct.pack("<i", 7) + b"word" + b"pad"))
    assert await channel.read() == b"word"


@pytest.mark.parametrize(
    "data",
    [b"\xee" * 4 + b"\xff" * 4, b"\x0c\0\0\0" + bytes(8), NOISE],
    ids=["too long", "no transport", "noise"],
)
async def test_nonsense_on_the_wire_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        await (await recognise(reader_of(data))).read()


async def test_nonsense_on_a_socket_harms_nobody() -> None:
    async def nobody(*_: object) -> None:
        raise AssertionError

    server = MTProtoServer(nobody)
    await server.start()
    steps = [f.ReqPqMultiRequest(1), f.ReqDHParamsRequest(1, 1, b"p", b"q", 1, b"x"), f.SetClientDHParamsRequest(1, 1, b"x" * 17)]
    exchange = [b"".join(Abridged().encode(plain(bytes(step))) for step in steps[:n]) for n in (1, 2, 3)]
    exchange.append(Abridged().encode(plain(bytes(steps[0]))) + Abridged().encode(plain(bytes(steps[2]))))
    nonsense = [b"\x7f\xff\xff\xff", b"\x06" + bytes(24), b"\x08" + bytes(16) + b"\x0c\0\0\0" + os.urandom(12), *exchange]
    for data in (*(b"\xef" + each for each in nonsense), os.urandom(64), b"GET / HTTP/1.1\r\n\r\n" + bytes(80), b""):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(data)
        writer.write_eof()
        await reader.read()
        writer.close()
    await server.stop()
    assert not server.errors


def test_client_and_server_understand_each_other() -> None:
    key = AuthKey(os.urandom(256))
    log = SimpleNamespace()
    client = MTProtoState(key, loggers={"telethon.network.mtprotostate": log})
    client.salt, client.id = 5, 6
    packet = client.encrypt_message_data(b"\1" * 32)
    assert decrypt_from_client(key.key, packet[8:])[:16] == struct.pack("<qq", 5, 6)
    with pytest.raises(ProtocolViolation):
        decrypt_from_client(os.urandom(256), packet[8:])
    assert len(encrypt_to_client(key.key, b"x" * 32)) % 16 == 0


def test_a_salt_is_good_for_its_period_and_the_next() -> None:
    salts = Salts()
    salt = salts.at(1e9)
    assert salts.accepts(salt, 1e9 + PERIOD_S)
    assert not salts.accepts(salt, 1e9 + 2 * PERIOD_S)
    future = salts.future(1, 100, 1e9)
    assert (len(future.salts), future.salts[0].salt) == (64, salt)
    salts.rotate()
    assert not salts.accepts(salt, 1e9)


def test_answers_of_every_kind() -> None:
    assert encode(True) == bytes.fromhex("b5757299")
    assert encode(False) == bytes.fromhex("379779bc")
    assert encode(IntVector([1, -1])) == struct.pack("<Iiii", 0x1CB5C415, 2, 1, -1)
    assert encode([t.PeerUser(1)]) == struct.pack("<Ii", 0x1CB5C415, 1) + bytes(t.PeerUser(1))
    long = t.help.AppConfig(0, t.JsonObject([t.JsonObjectValue("key", t.JsonString("x" * 2000))]))
    assert len(encode_result(1, long)) < 200
    assert decode(encode_result(1, long)[12:]).config.value[0].value.value == "x" * 2000


def test_a_key_is_used_in_parallel_only_when_both_go_on() -> None:
    one, two = Line(), Line()
    authorisation = Authorisation(AuthKey(os.urandom(256)))
    assert not authorisation.used_in_parallel(one)
    assert not authorisation.used_in_parallel(two)
    assert not authorisation.used_in_parallel(two)
    two.closing = True
    assert not authorisation.used_in_parallel(one)
    two.closing = False
    assert not authorisation.used_in_parallel(two)
    assert authorisation.used_in_parallel(one)


def test_a_key_file_is_made_private_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    assert load_rsa_key(path).n == load_rsa_key(path).n
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("not a key")
    with pytest.raises(SettingsError, match="holds no RSA private key"):
        load_rsa_key(path)


async def test_sessions_outlive_a_restart(tmp_path: Path) -> None:
    async def nobody(*_: object) -> None: ...

    path = tmp_path / "state" / "keys.json"
    before, after = MTProtoServer(nobody), MTProtoServer(nobody)
    assert load_keys(path, before) == 0
    before.add_key(b"\1" * 256).account_id = 1001
    before.add_key(b"\2" * 256)
    save_keys(path, before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keys(path, after) == 1
    assert [a.account_id for a in after.authorisations.values()] == [1001]
    path.write_text("{}")
    with pytest.raises(SettingsError, match="does not hold the keys"):
        load_keys(path, after)
