"""What is wrong with a client is told to it, ends its call and no other (D.5, D.9)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from calls.ending import SENT_AWAY
from control.http import token_watch, voice_socket
from storage import tokens
from tests.control.http.voice_stage import WITHIN_S, Client, VoiceStage, voice_stage

WEBM = b"\x1a\x45\xdf\xa3"


@contextlib.asynccontextmanager
async def beside_another_call(tmp_path: Path, **options: object) -> AsyncIterator[VoiceStage]:
    """Whatever happens inside, a second caller does not notice."""
    async with voice_stage(tmp_path, **options) as stage:  # type: ignore[arg-type]
        other = await stage.connect()
        await other.sound()
        yield stage
        await other.socket.send_str('{"type": "ping"}')
        await other.text("pong")
        assert not other.over


async def refused(client: Client, code: str, close_code: int) -> str:
    told = await client.text("error", code=code)
    assert await client.closed() == close_code
    return str(told["message"])


async def test_noise_is_listened_to_and_a_broken_container_is_not(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path) as stage:
        noisy, broken = await stage.connect(), await stage.connect()
        await noisy.socket.send_bytes(random.Random(1).randbytes(60_000))
        await broken.socket.send_bytes(WEBM + b"\x84webm" + bytes(5000))
        assert "WebM" in await refused(broken, "unreadable_sound", 1003)
        await noisy.socket.send_str('{"type": "ping"}')
        await noisy.text("pong")


async def test_a_flood_of_sound(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path) as stage:
        client = await stage.connect()
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                await client.socket.send_bytes(bytes(32_000))
        assert "faster than it sounds" in await refused(client, "too_fast", 1008)


async def test_a_flood_of_messages(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path) as stage:
        texts, sounds = await stage.connect(), await stage.connect()
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                await texts.socket.send_str('{"type": "ping"}')
        await refused(texts, "too_fast", 1008)
        with contextlib.suppress(ConnectionError):
            for _ in range(3000):
                await sounds.socket.send_bytes(b"\0\0")
        await refused(sounds, "too_fast", 1008)


async def handshake(stage: VoiceStage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket by hand."""
    url = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws/voice HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_a_message_of_a_gigabyte_is_refused_at_its_head(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path) as stage:
        reader, writer = await handshake(stage)
        writer.write(b"\x82\xff" + (1 << 30).to_bytes(8, "big") + bytes(4) + bytes(1000))
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WITHIN_S):
                came = await reader.read(-1)
        assert b'"code": "too_big"' in came
        assert (1009).to_bytes(2, "big") + b"A message may hold" in came
        writer.close()


async def test_a_half_open_socket_is_noticed(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path, ws_heartbeat_interval=3) as stage:
        _reader, writer = await handshake(stage)
        async with asyncio.timeout(WITHIN_S):
            await stage.calls(2)
            await asyncio.shield(stage.guests.calls[1].over)
        writer.close()


async def test_heartbeats_come_and_a_client_without_sound_is_ended(tmp_path: Path) -> None:
    """A13."""
    async with voice_stage(tmp_path, ws_heartbeat_interval=2, ws_timeout=3) as stage:
        client = await stage.connect()
        assert await client.text("heartbeat") == {"type": "heartbeat"}
        assert "No sound" in await refused(client, "no_sound", 1008)


async def test_idle_sockets_are_bounded(tmp_path: Path) -> None:
    """K12: ``MAX_CONNECTIONS`` counts sockets, whether or not they talk."""
    async with voice_stage(tmp_path, most_calls=100, max_connections=30) as stage:
        idle = [await stage.connect() for _ in range(30)]
        for client in idle:
            await client.text("status")
        too_many = await stage.connect()
        assert "30 connections" in await refused(too_many, "too_many_connections", 1013)
        assert not any(client.over for client in idle)
        await idle[0].socket.close()
        await stage.calls(29)
        await (await stage.connect()).text("status")


async def test_beyond_the_limit_of_calls_a_caller_is_turned_away_in_words(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path, most_calls=1) as stage:
        client = await stage.connect()
        assert "as many as I may be in at once" in await refused(client, "refused", 1013)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", "not_json"),
        ("[" * 3000, "not_json"),
        ("[1]", "unknown_type"),
        ("null", "unknown_type"),
        ('{"type": 5}', "unknown_type"),
        ('{"type": "launch"}', "unknown_type"),
        ('{"type": "start", "output": "mp3"}', "bad_request"),
        ('{"type": "start", "colour": "red"}', "bad_request"),
        ('{"type": "ping", "more": "' + "x" * 5000 + '"}', "too_long"),
    ],
)
async def test_what_is_not_understood_is_answered_and_the_call_goes_on(tmp_path: Path, text: str, code: str) -> None:
    async with voice_stage(tmp_path) as stage:
        client = await stage.connect()
        await client.socket.send_str(text)
        assert (await client.text("error"))["code"] == code
        await client.socket.send_str('{"type": "ping"}')
        await client.text("pong")


async def test_who_is_never_understood_is_let_go(tmp_path: Path) -> None:
    async with beside_another_call(tmp_path) as stage:
        client = await stage.connect()
        for _ in range(20):
            await client.socket.send_str("hello")
        assert await client.closed() == 1008
        assert [message["code"] for message in client.texts if message["type"] == "error"] == ["not_json"] * 20


async def test_a_wrong_address_is_explained(tmp_path: Path) -> None:
    async with voice_stage(tmp_path) as stage, stage.http.get(f"{stage.url}/ws/voice?output=mp3&rate=1") as answer:
        assert answer.status == 400
        told = json.dumps(await answer.json())
        assert "output" in told
        assert "rate" in told


async def test_pages_of_others_and_tokens_for_other_things_are_refused(tmp_path: Path) -> None:
    async with voice_stage(tmp_path) as stage:
        with pytest.raises(aiohttp.WSServerHandshakeError) as foreign:
            await stage.connect(headers={"Origin": "https://evil.example"})
        assert foreign.value.status == 403
        reads = await new_token(stage, "calls:read")
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {reads}"}, 403)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await stage.connect(headers=headers)
            assert refusal.value.status == status
        talks = await new_token(stage, "ws:voice")
        client = await stage.connect(protocols=("parley", f"parley.token.{talks}"))
        assert client.socket.protocol == "parley"
        await client.text("status")


async def new_token(stage: VoiceStage, scope: str) -> str:
    told, _ = await tokens.create(stage.services.database, scope.replace(":", "-"), [scope], time.time())
    return told


async def test_a_call_that_parley_ends_is_ended_in_words(tmp_path: Path) -> None:
    async with voice_stage(tmp_path) as stage:
        client = await stage.connect()
        await client.text("status")
        stage.guests.calls[0].hang_up(SENT_AWAY)
        await client.text("status", state="ended")
        assert await client.closed() == 1001


@pytest.mark.parametrize("headers", [True, False])
async def test_a_token_that_is_revoked_ends_its_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: bool) -> None:
    """So does the first token for those who began without one."""
    monkeypatch.setattr(token_watch, "LOOK_EVERY_S", 0.05)
    async with voice_stage(tmp_path) as stage:
        told = await new_token(stage, "ws:voice") if headers else ""
        client = await stage.connect(headers={"Authorization": f"Bearer {told}"} if headers else {})
        await client.text("status")
        if headers:
            await tokens.revoke(stage.services.database, "ws-voice", time.time())
        else:
            await new_token(stage, "admin")
        why = await refused(client, "token_gone", 1008)
        assert why == (token_watch.TOKEN_GONE if headers else token_watch.TOKEN_NEEDED)
        assert (await client.text("status", state="ended"))["reason"] == why


async def test_calls_have_ended_in_words_before_the_server_takes_their_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also those whose far end does not answer. A server that waits for them itself may give up just when they end, which fails inside."""
    monkeypatch.setattr(voice_socket, "CLOSING_S", 0.2)
    busy, then_busy = list[object](), list[int]()
    converse, shut_down = voice_socket._converse, web.Server.shutdown

    async def conversing(*given: Any) -> None:
        busy.append(given)
        try:
            await converse(*given)
        finally:
            busy.remove(given)

    async def shutting_down(server: web.Server, within_s: float) -> None:
        then_busy.append(len(busy))
        await shut_down(server, within_s)

    monkeypatch.setattr(voice_socket, "_converse", conversing)
    monkeypatch.setattr(web.Server, "shutdown", shutting_down)
    async with voice_stage(tmp_path) as stage:
        deaf = [await stage.http.ws_connect(f"{stage.url}/ws/voice") for _ in range(3)]
        caller = await stage.http.ws_connect(f"{stage.url}/ws/voice")
        await stage.calls(4)
        stopping = asyncio.ensure_future(stage.stop())
        while (message := await caller.receive(timeout=WITHIN_S)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            pass
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1001, "Parley is stopping.")
        await stopping
        assert then_busy == [0]
        for socket in deaf:
            await socket.close()
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
