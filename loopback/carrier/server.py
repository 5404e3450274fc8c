"""The carrier itself: an HTTP interface that takes orders, and what it does with them, signed as Twilio signs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from xml.etree import ElementTree

import aiohttp
from aiohttp import web

from loopback.carrier.signing import signed
from loopback.carrier.stream import CarrierStream, Weather

VERSION: Final = "2010-04-01"
ENDS: Final = ("busy", "no-answer", "failed", "canceled", "completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a telephone: how long it rings, and how that ends. ``weather`` is on their line."""

    rings_s: float = 0.05
    answers: bool = True
    otherwise: str = "no-answer"
    weather: Weather = field(default_factory=Weather)
    delay_s: float = 0.0


@dataclass(slots=True, eq=False)
class CarrierCall:
    """A call at the carrier. ``markup`` is what was to be done when it was answered, ``stream`` its sound once it flows."""

    sid: str
    number: str
    status: str = "queued"
    markup: str = ""
    order: dict[str, str] = field(default_factory=dict)
    stream: CarrierStream | None = None
    streaming: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refused: int | None = None
    """With which status the media socket was refused."""
    sequence: int = 0


class LoopbackCarrier:
    """An async context manager that serves on 127.0.0.1. ``people`` answer at their numbers; whoever is not listed does not exist.

    ``refusal`` is answered to every order instead: a status and an error of Twilio's.
    """

    def __init__(self, account_sid: str, auth_token: str, own_number: str, people: dict[str, Person] | None = None) -> None:
        self.account_sid = account_sid
        self.own_number = own_number
        self.people = people or {}
        self.calls: list[CarrierCall] = []
        self.callbacks: list[tuple[str, str, int]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.media_token: str | None = None
        """Another secret to sign media sockets with than the account's."""
        self.on_stream: Callable[[CarrierCall], None] = lambda _call: None
        self._auth_token = auth_token
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        place = f"/{VERSION}/Accounts/{{account}}/Calls"
        app.add_routes([web.post(f"{place}.json", self._order), web.post(f"{place}/{{sid}}.json", self._change)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # ---- what the customer asks

    async def _order(self, request: web.Request) -> web.Response:
        if (problem := self._problem(request)) is not None:
            return problem
        posted = await request.post()
        order = {name: ",".join(str(value) for value in posted.getall(name)) for name in posted}
        if order.get("From") != self.own_number:
            return _error(400, 21210, "Source phone number not verified")
        if len(order.get("Twiml", "")) > 4000:
            return _error(400, 21240, "Twiml too long")
        call = CarrierCall(f"CA{secrets.token_hex(16)}", order["To"], markup=order["Twiml"], order=order)
        self.calls.append(call)
        self._spawn(self._live(call))
        return web.json_response({"sid": call.sid, "status": "queued"}, status=201)

    async def _change(self, request: web.Request) -> web.Response:
        if (problem := self._problem(request)) is not None:
            return problem
        call = next((call for call in self.calls if call.sid == request.match_info["sid"]), None)
        if call is None or call.ended.is_set():
            return _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        if (await request.post()).get("Status") == "completed":
            await self._end(call, "completed" if call.status == "in-progress" else "canceled")
        return web.json_response({"sid": call.sid, "status": call.status})

    def _problem(self, request: web.Request) -> web.Response | None:
        if self.refusal is not None:
            status, told = self.refusal
            return web.json_response(told, status=status)
        expected = aiohttp.encode_basic_auth(self.account_sid, self._auth_token)
        if request.headers.get("Authorization") != expected or request.match_info["account"] != self.account_sid:
            return _error(401, 20003, "Authenticate")
        return None

    # ---- the life of a call

    async def _live(self, call: CarrierCall) -> None:
        person = self.people.get(call.number)
        await self._tell(call, "initiated")
        if person is None:
            await self._end(call, "failed")
            return
        await self._tell(call, "ringing")
        await asyncio.sleep(person.rings_s if person.answers else min(person.rings_s, float(call.order.get("Timeout", 60))))
        if call.ended.is_set():
            return
        if not person.answers:
            await self._end(call, person.otherwise)
            return
        await self._answer(call, person)

    async def _answer(self, call: CarrierCall, person: Person) -> None:
        await self._tell(call, "in-progress")
        stream = ElementTree.fromstring(call.markup).find("./Connect/Stream")
        if stream is not None:
            parameters = {each.attrib["name"]: each.attrib["value"] for each in stream.findall("Parameter")}
            await self.stream(call, stream.attrib["url"], parameters, person)
        await self._end(call, "completed")

    async def stream(self, call: CarrierCall, url: str, parameters: dict[str, str], person: Person) -> None:
        """Open the media socket and stream until one side ends it."""
        assert self._session is not None
        headers = signed(self.media_token or self._auth_token, url, {})
        try:
            socket = await self._session.ws_connect(url, headers=headers, compress=0)
        except aiohttp.WSServerHandshakeError as refusal:
            call.refused = refusal.status
            return
        async with socket:
            call.stream = CarrierStream(
                send=socket.send_str,
                stream_sid=f"MZ{secrets.token_hex(16)}",
                call_sid=call.sid,
                account_sid=self.account_sid,
                parameters=parameters,
                weather=person.weather,
                delay_s=person.delay_s,
            )
            call.streaming.set()
            self.on_stream(call)
            running = asyncio.create_task(call.stream.run())
            reading = asyncio.create_task(_read(socket, call.stream))
            await asyncio.wait({running, reading}, return_when=asyncio.FIRST_COMPLETED)
            for task in (running, reading):
                task.cancel()
            await asyncio.gather(running, reading, return_exceptions=True)

    async def _end(self, call: CarrierCall, status: str) -> None:
        if call.ended.is_set():
            return
        call.ended.set()
        if call.stream is not None:
            call.stream.hang_up()
        await self._tell(call, status)

    async def _tell(self, call: CarrierCall, status: str) -> None:
        if call.ended.is_set() and status not in ENDS:
            return
        call.status = status
        self.callbacks.append((call.sid, status, call.sequence))
        form = {"CallSid": call.sid, "CallStatus": status, "SequenceNumber": str(call.sequence), "AccountSid": self.account_sid}
        call.sequence += 1
        if url := call.order.get("StatusCallback"):
            await self.post(url, form)

    async def post(self, url: str, form: dict[str, str], auth_token: str | None = None) -> tuple[int, str]:
        """Ask for something, signed."""
        assert self._session is not None
        async with self._session.post(url, data=form, headers=signed(auth_token or self._auth_token, url, form)) as response:
            return response.status, await response.text()

    async def call_in(self, voice_url: str, number: str, person: Person | None = None) -> CarrierCall:
        """Somebody calls the customer's number; returns when it is known what is to be done (see ``markup``), which is then done."""
        call = CarrierCall(f"CA{secrets.token_hex(16)}", number, status="ringing")
        self.calls.append(call)
        form = {"CallSid": call.sid, "AccountSid": self.account_sid, "From": number, "To": self.own_number, "CallStatus": "ringing"}
        _, call.markup = await self.post(voice_url, form)
        self._spawn(self._answer(call, person or Person()))
        return call

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read(socket: aiohttp.ClientWebSocketResponse, stream: CarrierStream) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await stream.take(message.data)


def _error(status: int, code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message, "status": status}, status=status)
