"""How a page and Parley find each other: who may call, what is refused, and what is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from aiortc import RTCSessionDescription

from calls import browser_calls
from calls.admission import Admission
from calls.browser_calls import BrowserCalls
from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import GuestCalls
from calls.ice import IceServers
from calls.lines.pacer import Pacer
from calls.manners import Manners
from config import load_settings
from control.http import browser, token_watch
from control.http.access import Scope
from control.http.server import application
from control.http.services import HttpServices
from control.services import ControlServices
from errors import EngineError
from storage import invites, tokens
from storage.database import Database
from tests.calls.lines.test_browser_line import Page
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.calls.waiting import until

WITHIN_S = 30.0


@dataclass
class Door:
    client: TestClient[Any, Any]
    calls: BrowserCalls
    guests: GuestCalls
    database: Database

    async def socket(self, **wish: Any) -> tuple[ClientWebSocketResponse, dict[str, Any]]:
        """A socket, and the answer to its first message."""
        socket = await self.client.ws_connect("/ws/call", protocols=("parley",))
        await socket.send_json({"type": "create", **wish})
        return socket, await socket.receive_json(timeout=WITHIN_S)


@contextlib.asynccontextmanager
async def door(
    tmp_path: Path, *, ice: IceServers | None = None, most_calls: int = 5, voice: ScriptedVoice | None = None
) -> AsyncIterator[Door]:
    bus = EventBus()
    engines = Engines(HearsClips([]), ScriptedBrain(lambda messages: f"To {messages[-1].text}"), voice or ScriptedVoice())

    async def manners_for(_chat_id: int) -> Manners:
        return Manners()

    async with contextlib.AsyncExitStack() as stack:
        guests = await stack.enter_async_context(
            GuestCalls(engines, manners_for, bus, room=lambda: Admission(most_calls).refusal(len(guests.calls)))
        )
        calls = await stack.enter_async_context(BrowserCalls(guests, Pacer(), bus, ice or IceServers()))
        database = await Database.open(tmp_path / "door.db")
        stack.push_async_callback(database.close)
        services = HttpServices(
            settings=load_settings(None, data_dir=tmp_path),
            guests=guests,
            engines=engines,
            pacer=Pacer(),
            bus=bus,
            database=database,
            control=cast(ControlServices, None),
            browser_calls=calls,
        )
        client = await stack.enter_async_context(TestClient(TestServer(application(services))))
        yield Door(client, calls, guests, database)


async def test_the_page_is_there_and_a_session_is_created(tmp_path: Path) -> None:
    """N7, A114."""
    async with door(tmp_path, ice=IceServers("stun:s.example.org:1")) as open_door:
        async with open_door.client.get("/call") as page:
            assert page.status == 200
            assert "Content-Security-Policy" in page.headers
            assert 'id="call"' in await page.text()
        socket, created = await open_door.socket(name="Ann", language="ca")
        assert (created["type"], created["returns"], created["seen"]) == ("created", "new", 0)
        assert created["ice_servers"] == [{"urls": "stun:s.example.org:1"}]
        session = open_door.calls.find(created["session_id"])
        assert session is not None
        assert (session.wishes.title, session.wishes.language) == ("Ann", "ca")
        await socket.close()


async def test_a_call_without_a_page_by_three_requests(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        created = await (await open_door.client.post("/api/call", json={})).json()
        path, page = f"/api/call/{created['session_id']}", Page()
        answer = await (await open_door.client.post(f"{path}/offer", json={"sdp": await page.offer()})).json()
        await page.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await until(lambda: page.channel.readyState == "open" and open_door.guests.calls)
        page.channel.send('{"type": "text", "text": "Hello?"}')
        await until(lambda: any('"exchange"' in told and "To Hello?" in told for told in page.told))
        assert (await open_door.client.delete(path)).status == 200
        await until(lambda: not open_door.guests.calls)
        assert (await open_door.client.delete(path)).status == 404
        await page.close()


async def test_what_a_page_has_spoken_itself_is_heard_and_nothing_that_it_makes_up(tmp_path: Path) -> None:
    async with door(tmp_path, voice=ScriptedVoice(failure=EngineError("The voice is gone."))) as open_door:
        created = await (await open_door.client.post("/api/call", json={})).json()
        path, page = f"/api/call/{created['session_id']}", Page()
        answer = await (await open_door.client.post(f"{path}/offer", json={"sdp": await page.offer()})).json()
        await page.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await until(lambda: page.channel.readyState == "open" and open_door.guests.calls)
        (guest,) = open_door.guests.calls
        page.channel.send('{"type": "text", "text": "Hello?"}')
        await until(lambda: any('"exchange"' in told for told in page.told))
        (exchange,) = [message for message in map(json.loads, page.told) if message["type"] == "exchange"]
        assert exchange["unspoken"] == "To Hello?"
        for forged in (
            {"n": exchange["n"] + 1, "characters": 9},
            {"n": exchange["n"], "characters": "9"},
            {"n": exchange["n"], "text": "I owe you a house."},
        ):
            page.channel.send(json.dumps({"type": "spoken", **forged}))
        page.channel.send(json.dumps({"type": "spoken", "n": exchange["n"], "characters": 9_999}))
        await until(lambda: guest.history.exchanges[-1].reply_heard)
        assert [(past.said, past.reply_heard) for past in guest.history.exchanges] == [("Hello?", "To Hello?")]
        await open_door.client.delete(path)
        await page.close()


async def test_a_call_over_the_socket_ends_in_plain_words_and_is_gone_on_with(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        socket, created = await open_door.socket()
        page = Page()
        await socket.send_json({"type": "offer", "sdp": await page.offer()})
        await socket.send_json({"type": "candidate", "candidate": None})
        answer = await socket.receive_json(timeout=WITHIN_S)
        await page.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await socket.send_json({"type": "text", "text": "early"})
        await until(lambda: open_door.guests.calls and page.channel.readyState == "open")
        (guest,) = open_door.guests.calls
        returned, again = await open_door.socket(session_id=created["session_id"], seen=0)
        assert again["returns"] == "live"
        await until(lambda: any('"exchange"' in told and "To early" in told for told in page.told))
        await returned.send_json({"type": "end"})
        await guest.over
        async with asyncio.timeout(WITHIN_S):
            while (message := await returned.receive_json())["type"] != "ended":
                pass
        assert (message["reason"], message["key"]) == ("You have hung up.", "browser.hung_up")
        _socket, resumed = await open_door.socket(session_id=created["session_id"])
        assert resumed["returns"] == "resumed"
        await page.close()


@pytest.mark.parametrize("first", ["nonsense", "[]", "{}", '{"type": "offer"}', "[" * 100_000])
async def test_what_does_not_begin_with_a_session_is_refused(tmp_path: Path, first: str) -> None:
    async with door(tmp_path) as open_door, open_door.client.ws_connect("/ws/call") as socket:
        await socket.send_str(first)
        refused = await socket.receive_json(timeout=WITHIN_S)
        assert refused["type"] == "refused"
        assert refused["reason"]
        assert (await socket.receive(timeout=WITHIN_S)).type is WSMsgType.CLOSE


async def test_who_says_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "CREATE_WITHIN_S", 0.05)
    async with door(tmp_path) as open_door, open_door.client.ws_connect("/ws/call") as socket:
        assert (await socket.receive(timeout=WITHIN_S)).type is WSMsgType.CLOSE


async def test_what_is_not_understood_is_told_and_floods_end_the_socket(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        socket, _created = await open_door.socket()
        for message in ("nonsense", '{"type": "dance"}', '{"type": "offer", "sdp": "v=0"}'):
            await socket.send_str(message)
            assert (await socket.receive_json(timeout=WITHIN_S))["type"] == "refused"
        for _ in range(browser.MESSAGES_AT_ONCE + 50):
            await socket.send_str('{"type": "ping"}')
        async with asyncio.timeout(WITHIN_S):
            while (await socket.receive()).type is WSMsgType.TEXT:
                pass
        assert socket.closed


async def test_a_session_that_was_ended_does_not_begin(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        socket, _created = await open_door.socket()
        page = Page()
        await socket.send_json({"type": "end"})
        await socket.send_json({"type": "offer", "sdp": await page.offer()})
        refused = await socket.receive_json(timeout=WITHIN_S)
        assert (refused["type"], refused["reason"]) == ("refused", "The call is over.")
        assert not open_door.calls.sessions
        await page.close()


async def test_who_writes_too_fast_is_told(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        socket, _created = await open_door.socket()
        for _ in range(browser_calls.TEXTS_AT_ONCE + 1):
            await socket.send_json({"type": "text", "text": "Again?"})
        assert (await socket.receive_json(timeout=WITHIN_S))["type"] == "too_fast"


async def test_as_many_calls_as_there_is_room_for_and_as_many_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with door(tmp_path, most_calls=0) as open_door:
        _socket, refused = await open_door.socket()
        assert refused["key"].startswith("call_error.")
        assert "as many as I may be in" in refused["reason"]
    monkeypatch.setattr(browser_calls, "MOST_WAITING", 1)
    async with door(tmp_path / "second") as open_door:
        await open_door.socket()
        _socket, refused = await open_door.socket()
        assert refused["key"] == "browser.too_many"


async def test_sessions_that_nobody_connects_to_are_forgotten(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        now_s = [0.0]
        open_door.calls._clock = lambda: now_s[0]
        _socket, created = await open_door.socket()
        now_s[0] = browser_calls.CONNECT_WITHIN_S + 1
        await open_door.socket()
        assert open_door.calls.find(created["session_id"]) is None


async def test_where_there_are_tokens_one_is_needed_or_a_link(tmp_path: Path) -> None:
    """D.5: a token of another scope does not open the call page's socket."""
    async with door(tmp_path) as open_door:
        voice, _ = await tokens.create(open_door.database, "phone", (Scope.VOICE,), time.time(), None)
        reading, _ = await tokens.create(open_door.database, "board", (Scope.CALLS_READ,), time.time(), None)
        for wish, key in (({}, "token_missing"), ({"token": reading}, "scope_missing"), ({"token": "x"}, "token_refused")):
            _socket, refused = await open_door.socket(**wish)
            assert (refused["type"], refused["key"]) == ("refused", key)
        assert (await open_door.socket(token=voice))[1]["type"] == "created"
        link = await invites.create(open_door.database, invites.Invite(chat_id=-5, language="es", longest_s=60.0), 1, time.time())
        _socket, created = await open_door.socket(invite=link, language="ca")
        session = open_door.calls.find(created["session_id"])
        assert session is not None
        assert (session.wishes.chat_id, session.wishes.language, session.wishes.longest_s) == (-5, "es", 60.0)
        assert (await open_door.socket(invite=link))[1]["key"] == "invite.used"


async def test_a_page_of_somebody_else_gets_no_socket(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        with pytest.raises(WSServerHandshakeError) as refused:
            await open_door.client.ws_connect("/ws/call", headers={"Origin": "https://elsewhere.example"})
        assert refused.value.status == 403


async def connected(open_door: Door, token: str) -> tuple[ClientWebSocketResponse, str, Page]:
    """A call of whoever has this token: its socket, its session, and its page."""
    socket, created = await open_door.socket(token=token)
    page = Page()
    await socket.send_json({"type": "offer", "sdp": await page.offer()})
    answer = await socket.receive_json(timeout=WITHIN_S)
    await page.peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    await until(lambda: open_door.guests.calls and page.channel.readyState == "open")
    return socket, created["session_id"], page


async def test_a_call_ends_in_words_when_its_token_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor can it be gone on with, by whoever knows its session."""
    monkeypatch.setattr(token_watch, "LOOK_EVERY_S", 0.05)
    async with door(tmp_path) as open_door:
        told, token = await tokens.create(open_door.database, "phone", (Scope.VOICE,), time.time(), None)
        socket, session_id, page = await connected(open_door, told)
        waiting, waits = await open_door.socket(token=told)
        await tokens.revoke(open_door.database, token.name, time.time())
        async with asyncio.timeout(WITHIN_S):
            while (ended := await socket.receive_json())["type"] != "ended":
                pass
        assert (ended["reason"], ended["key"]) == ("The token was revoked, or is too old.", "browser.token_gone")
        assert (await waiting.receive_json(timeout=WITHIN_S))["reason"] == ended["reason"]
        await until(lambda: not open_door.guests.calls)
        for gone in (session_id, waits["session_id"]):
            _socket, refused = await open_door.socket(session_id=gone)
            assert (refused["type"], refused["key"]) == ("refused", "token_missing")
        await page.close()


async def test_a_call_that_was_over_before_its_token_was_revoked_is_not_gone_on_with(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        told, token = await tokens.create(open_door.database, "phone", (Scope.VOICE,), time.time(), None)
        socket, session_id, page = await connected(open_door, told)
        await socket.send_json({"type": "end"})
        await until(lambda: not open_door.calls.sessions)
        await tokens.revoke(open_door.database, token.name, time.time())
        _socket, refused = await open_door.socket(session_id=session_id)
        assert (refused["type"], refused["key"]) == ("refused", "token_missing")
        await page.close()


async def test_a_page_is_told_that_parley_stops(tmp_path: Path) -> None:
    async with door(tmp_path) as open_door:
        socket, _created = await open_door.socket()
        closing = asyncio.create_task(open_door.client.server.close())
        message = await socket.receive(timeout=WITHIN_S)
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1001, "Parley is stopping.")
        await closing
