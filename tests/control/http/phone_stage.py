"""Parley's HTTP server and the carrier in a box, both on this machine: telephoning over real sockets, with scripted engines."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manners import Manners
from calls.telephony.exchange import telephoning
from calls.telephony.phone_calls import PhoneCalls
from control.controlled import dispatcher_of
from control.http.server import application
from control.http.services import HttpServices
from control.jsonrpc import Dispatcher
from control.services import ControlServices
from loopback.carrier.server import LoopbackCarrier, Person
from storage import tokens
from storage.database import Database
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.calls.telephony.exchange import ACCOUNT, ANN, OWN, SECRET, settings
from tests.control.stage import Calls, Phone, services

NOW = 1e9


async def until(happened: Callable[[], object]) -> None:
    """Wait for something that takes no longer than a busy machine."""
    for _ in range(1_000):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")


@dataclass
class PhoneStage:
    """What a test has at hand; ``url`` is where Parley is."""

    url: str
    phone: PhoneCalls
    carrier: LoopbackCarrier
    control: ControlServices
    rpc: Dispatcher

    @property
    def database(self) -> Database:
        return self.control.database

    async def token(self, *scopes: str) -> str:
        return (await tokens.create(self.database, " ".join(scopes).replace(":", "-"), cast(Any, scopes), NOW, None))[0]


@contextlib.asynccontextmanager
async def phone_stage(tmp_path: Path, people: Mapping[str, Person] | None = None, **changes: Any) -> AsyncIterator[PhoneStage]:
    """Serve inside."""
    bound = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    bus, pacer = EventBus(), Pacer()
    engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))

    async def manners_for(_chat_id: int) -> Manners:
        return Manners()

    async with contextlib.AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(LoopbackCarrier(ACCOUNT, SECRET, OWN, dict(people or {ANN: Person()})))
        control = await stack.enter_async_context(services(tmp_path, Calls(), Phone(), []))
        chosen = settings(**({"api_base_url": url, "twilio_api_url": carrier.url, "data_dir": tmp_path} | changes))
        guests = await stack.enter_async_context(GuestCalls(engines, manners_for, bus))
        phone = await stack.enter_async_context(telephoning(chosen, guests, pacer, control.database, bus))
        control = dataclasses.replace(control, phone_calls=phone)
        http = HttpServices(
            settings=chosen, guests=guests, engines=engines, pacer=pacer, bus=bus, database=control.database, control=control
        )
        runner = web.AppRunner(application(http), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, bound).start()
        yield PhoneStage(url, phone, carrier, control, dispatcher_of(control))
