"""Calls from the web page ``/call``: the page, and how it and Parley find each other.

The page creates a session, connects by an offer and candidates, streams sound past this server, and ends the session: over one WebSocket,
or, without captions of its own, by three requests. Messages are JSON objects with a ``type``; docs/browser.md lists them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from http import HTTPStatus
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

import drops
from calls.browser_calls import BrowserCalls, BrowserSession
from calls.guest_calls import Door, GuestWishes
from calls.lines.allowance import Allowance
from calls.typed_turn import readable
from control.http.access import DOORKEEPER, PROTOCOL, Access, Scope, require, require_token
from control.http.open_sockets import OPEN_SOCKETS, STOPPING
from control.http.pages import page
from control.http.problems import Problem
from control.http.services import HttpServices
from drops import Drop
from errors import ParleyError
from storage import invites

CREATE_WITHIN_S: Final = 10.0
CLOSING_S: Final = 2.0
HEARTBEAT_S: Final = 15.0
LARGEST_MESSAGE: Final = 128 * 1024
MOST_UNSENT: Final = 1_000
"""Messages that a page which does not read lets pile up; then its socket is closed."""
MESSAGES_AT_ONCE: Final = 200
MESSAGES_PER_S: Final = 20.0
LONGEST_NAME: Final = 40
LANGUAGES: Final = re.compile(r"[a-z]{2,3}")


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/call``, ``/ws/call`` and ``/api/call``."""
    if services.browser_calls is None:
        return []
    door = BrowserDoor(services, services.browser_calls)
    return [
        web.get("/call", door.page),
        web.get("/ws/call", door.signalling),
        web.post("/api/call", door.create),
        web.post("/api/call/{session}/offer", door.offer),
        web.delete("/api/call/{session}", door.end),
    ]


class BrowserDoor:
    """The handlers of the browser call."""

    def __init__(self, services: HttpServices, calls: BrowserCalls) -> None:
        self._services = services
        self._calls = calls

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """The page itself is for everybody: what it may do is asked when it calls."""
        return page("call.html")

    # ---- over a WebSocket

    async def signalling(self, request: web.Request) -> web.StreamResponse:
        """One page's socket: ``create`` first, within ten seconds."""
        socket = web.WebSocketResponse(timeout=CLOSING_S, heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_MESSAGE, protocols=(PROTOCOL,))
        await socket.prepare(request)
        outbox: asyncio.Queue[str] = asyncio.Queue(MOST_UNSENT)
        tasks = [asyncio.create_task(_write(socket, outbox))]
        with request.app[OPEN_SOCKETS].entered(lambda: tasks.append(asyncio.create_task(_stop(socket)))):
            try:
                await self._converse(request, socket, outbox)
            finally:
                tasks[0].cancel()
                await asyncio.wait(tasks)
                await socket.close()
        return socket

    async def _converse(self, request: web.Request, socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
        try:
            async with asyncio.timeout(CREATE_WITHIN_S):
                first = await socket.receive()
        except TimeoutError:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"no session was created")
            return
        if first.type is not WSMsgType.TEXT:
            return
        try:
            session, told = await self._session(request, _parsed(first.data))
        except (ParleyError, Problem) as refusal:
            await socket.send_str(_refusal(refusal))
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused")
            return
        await socket.send_str(json.dumps(told))

        def send(message: str) -> None:
            try:
                outbox.put_nowait(message)
            except asyncio.QueueFull:
                drops.note(Drop.MESSAGES_TO_CALLERS)

        session.attach(send, int(told["seen"]))
        try:
            await self._follow(socket, session, send)
        finally:
            session.detach(send)

    async def _follow(self, socket: web.WebSocketResponse, session: BrowserSession, send: Any) -> None:
        allowance = Allowance(MESSAGES_PER_S, MESSAGES_AT_ONCE)
        async for message in socket:
            if message.type is not WSMsgType.TEXT or not allowance.spend(1, time.monotonic()):
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages, or none that are understood")
                return
            try:
                await _obey(session, _parsed(message.data), send)
            except (ParleyError, Problem) as refusal:
                send(_refusal(refusal))

    # ---- who may

    async def _session(self, request: web.Request, wish: dict[str, Any]) -> tuple[BrowserSession, dict[str, Any]]:
        if wish.get("type") != "create":
            raise Problem(HTTPStatus.BAD_REQUEST, "create_first", "The first message has to create a session.", 'Send {"type": "create"}.')
        known, seen = str(wish.get("session_id") or ""), wish.get("seen")
        returns = "live"
        if (session := self._calls.find(known)) is None:
            session, returns = await self._come_back(request, known), "resumed"
        if session is None:
            wishes, access = await self._wishes(request, wish)
            session, returns = self._calls.create_session(wishes, access), "new"
            _watch(request, session)
        return session, {
            "type": "created",
            "session_id": session.session_id,
            "returns": returns,
            "seen": seen if isinstance(seen, int) and returns == "live" else 0,
            "ice_servers": self._calls.ice_for_page(),
            "longest_s": session.wishes.longest_s,
        }

    async def _come_back(self, request: web.Request, known: str) -> BrowserSession | None:
        session = self._calls.come_back(known)
        if session is not None and isinstance(session.holder, Access) and not await request.app[DOORKEEPER].still_good(session.holder):
            self._calls.forget(session)
            return None
        if session is not None:
            _watch(request, session)
        return session

    async def _wishes(self, request: web.Request, wish: dict[str, Any]) -> tuple[GuestWishes, Access | None]:
        """What an invitation is bound to, or what the page asks for if its visitor may call without one; who that visitor is then."""
        name = readable(str(wish.get("name") or ""))[:LONGEST_NAME] or "Guest"
        language = str(wish.get("language") or "")
        wishes = GuestWishes(door=Door.BROWSER, title=name, language=language if LANGUAGES.fullmatch(language) else None)
        if invite := str(wish.get("invite") or ""):
            invited = await invites.redeem(self._services.database, invite, time.time())
            bound = GuestWishes(
                door=Door.BROWSER,
                title=name,
                chat_id=invited.chat_id,
                language=invited.language,
                longest_s=invited.longest_s,
                opening=invited.opening,
                purpose=invited.purpose,
            )
            return bound, None
        if token := str(wish.get("token") or ""):
            return wishes, await require_token(request, Scope.VOICE, token)
        return wishes, await require(request, Scope.VOICE)

    # ---- by requests

    async def create(self, request: web.Request) -> web.Response:
        """A session, for a page or a program whose messages all go by the call's own channel."""
        wish = await _body(request)
        _session, told = await self._session(request, {**wish, "type": "create"})
        return web.json_response(told)

    async def offer(self, request: web.Request) -> web.Response:
        """The answer to an offer that names all its candidates."""
        sdp = await self._of(request).offer(str((await _body(request)).get("sdp") or ""))
        return web.json_response({"type": "answer", "sdp": sdp})

    async def end(self, request: web.Request) -> web.Response:
        """Hang up."""
        self._of(request).hang_up()
        return web.json_response({"ok": True})

    def _of(self, request: web.Request) -> BrowserSession:
        if (session := self._calls.find(request.match_info["session"])) is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no_session", "There is no such session.", "Create one with POST /api/call.")
        return session


def _watch(request: web.Request, session: BrowserSession) -> None:
    """The call ends when whoever was let in would be let in no more."""
    if isinstance(session.holder, Access):
        keeper = request.app[DOORKEEPER]
        session.on_over = keeper.watch(session.holder, lambda reason: session.send_away(reason, "browser.token_gone"))


async def _stop(socket: web.WebSocketResponse) -> None:
    await socket.close(code=WSCloseCode.GOING_AWAY, message=STOPPING.encode())


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            message = await outbox.get()
            if outbox.qsize() >= MOST_UNSENT - 1:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"messages are not read")
                return
            await socket.send_str(message)


async def _obey(session: BrowserSession, message: dict[str, Any], send: Any) -> None:
    match message:
        case {"type": "offer", "sdp": str(sdp)}:
            send(json.dumps({"type": "answer", "sdp": await session.offer(sdp)}))
        case {"type": "candidate", "candidate": dict() | None as candidate}:
            await session.add_candidate(candidate)
        case {"type": "text", "text": str(text)}:
            session.type(text)
        case {"type": "end"}:
            session.hang_up()
        case {"type": "ping"}:
            send('{"type": "pong"}')
        case _:
            raise Problem(HTTPStatus.BAD_REQUEST, "unknown_message", "This message is not understood.", "See docs/browser.md.")


async def _body(request: web.Request) -> dict[str, Any]:
    return _parsed(await request.text() or "{}")


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed", "This is not a JSON object.", "See docs/browser.md.")
    return message


def _refusal(refusal: ParleyError | Problem) -> str:
    key = refusal.key if isinstance(refusal, ParleyError) else refusal.code
    return json.dumps({"type": "refused", "reason": str(refusal), "key": key}, ensure_ascii=False)
