"""Telephoning without a network: a carrier that is only noted, media sockets in memory, engines that follow a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from xml.etree import ElementTree

from calls import events
from calls.drafting import Engines
from calls.errors import CallError
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manners import Manners
from calls.telephony.carrier import Order
from calls.telephony.limits import Limits
from calls.telephony.phone_calls import PhoneCalls
from config import Settings, load_settings
from loopback.carrier.stream import CarrierStream, Weather
from storage.database import Database
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice

ANN: Final = "+34612345678"
BOB: Final = "+34698765432"
OWN: Final = "+34600000000"
ACCOUNT: Final = "AC" + "1" * 32
SECRET: Final = "the secret of the account"
CREDENTIALS: Final[dict[str, Any]] = {
    "twilio_account_sid": ACCOUNT,
    "twilio_auth_token": SECRET,
    "twilio_phone_number": OWN,
    "api_base_url": "https://parley.example.org",
    "http_port": 8005,
    "phone_allowed_prefixes": "+34",
    "phone_allowed_callers": ANN,
}


def settings(**changes: Any) -> Settings:
    return load_settings(None, **(CREDENTIALS | changes))


class NotedCarrier:
    """Takes every order, unless ``refusal`` is set; ``may_answer`` holds its answers up."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.ended: list[str] = []
        self.refusal: CallError | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.closed = 0

    async def place(self, order: Order) -> str:
        self.orders.append(order)
        await self.may_answer.wait()
        if self.refusal:
            raise self.refusal
        return f"CA{len(self.orders)}"

    async def hang_up(self, sid: str) -> None:
        self.ended.append(sid)

    async def close(self) -> None:
        self.closed += 1

    def token(self, place: int = -1) -> str:
        return token_in(self.orders[place].twiml)


def token_in(markup: str) -> str:
    parameter = ElementTree.fromstring(markup).find("./Connect/Stream/Parameter")
    assert parameter is not None
    assert parameter.attrib["name"] == "token"
    return parameter.attrib["value"]


class Wire:
    """A media socket in memory, as Parley holds it; ``stream`` is the carrier at the other end."""

    def __init__(self, sid: str, token: str, weather: Weather | None = None, delay_s: float = 0.0) -> None:
        self._to_parley: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.closed = 0
        self.stream = CarrierStream(
            send=self._put, stream_sid="MZ1", call_sid=sid, parameters={"token": token}, weather=weather or Weather(), delay_s=delay_s
        )

    async def _put(self, text: str) -> None:
        self._to_parley.put_nowait(text)

    async def receive(self) -> str | None:
        return await self._to_parley.get()

    async def send(self, text: str) -> None:
        if self.closed:
            raise ConnectionResetError("closed")
        self.sent.append(text)
        await self.stream.take(text)

    async def close(self) -> None:
        self.closed += 1
        self.stream.hang_up()

    def cut(self) -> None:
        """The connection is gone without a word."""
        self._to_parley.put_nowait(None)


@dataclass
class Exchange:
    """What a test has at hand."""

    phone: PhoneCalls
    carrier: NotedCarrier
    guests: GuestCalls
    hears: HearsClips
    thinks: ScriptedBrain
    speaks: ScriptedVoice
    limits: Uncounted
    happened: list[events.CallEvent] = field(default_factory=list)

    @asynccontextmanager
    async def line(self, sid: str, token: str, weather: Weather | None = None, delay_s: float = 0.0) -> AsyncIterator[Wire]:
        """The carrier has opened the media socket of a call and streams until the test is done with it."""
        wire = Wire(sid, token, weather, delay_s)
        serving = asyncio.create_task(self.phone.serve(wire))
        streaming = asyncio.create_task(wire.stream.run())
        try:
            yield wire
        finally:
            wire.stream.hang_up()
            await asyncio.gather(serving, streaming)

    def of(self, kind: type[events.CallEvent]) -> list[Any]:
        return [event for event in self.happened if type(event) is kind]


class Uncounted(Limits):
    """Counts nothing in a database, whose threads know no virtual time; ``refusal`` is raised for each call."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__(cast(Database, None), chosen)
        self.settled: list[float] = []
        self.forgotten: list[int] = []
        self.refusal: CallError | None = None

    async def reserve(self, number: str, longest_s: float, *, outgoing: bool) -> int:
        if self.refusal:
            raise self.refusal
        return 1

    async def settle(self, reserved: int, seconds: float) -> None:
        self.settled.append(seconds)

    async def forget(self, reserved: int) -> None:
        self.forgotten.append(reserved)


@asynccontextmanager
async def exchange(hears: HearsClips | None = None, answer: str = "Yes. It is so.", **changes: Any) -> AsyncIterator[Exchange]:
    """Telephoning that is on, without a network and without a database."""
    loop, bus, happened = asyncio.get_running_loop(), events.EventBus(), list[events.CallEvent]()
    bus.subscribe(happened.append)
    chosen, hears = settings(**changes), hears or HearsClips([])
    thinks, speaks, carrier, limits = ScriptedBrain(lambda _messages: answer), ScriptedVoice(), NotedCarrier(), Uncounted(chosen)

    async def manners_for(_chat_id: int) -> Manners:
        return Manners(instructions="Be kind.")

    async with (
        GuestCalls(Engines(hears, thinks, speaks), manners_for, bus, clock=loop.time, wall_clock=loop.time) as guests,
        PhoneCalls(chosen, carrier, guests, Pacer(), limits, bus, clock=loop.time) as phone,
    ):
        yield Exchange(phone, carrier, guests, hears, thinks, speaks, limits, happened)


Work = Callable[[Exchange], Awaitable[None]]
