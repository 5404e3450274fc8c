"""A server with the voice door, real sockets, and engines that answer at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import WSMsgType, web

from calls import events
from calls.admission import Admission
from calls.drafting import Engines
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manners import Manners
from config import Settings, load_settings
from control.http import voice_socket
from control.http.access import DOORKEEPER, Doorkeeper
from control.http.guard import middlewares
from control.http.open_sockets import OPEN_SOCKETS, OpenSockets
from control.http.server import places
from control.http.services import HttpServices
from control.services import ControlServices
from storage.database import Database
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice

WELCOME = "Hi."
WITHIN_S = 30.0


@dataclass
class Client:
    """One WebSocket, and everything that came over it."""

    socket: aiohttp.ClientWebSocketResponse
    texts: list[dict[str, Any]] = field(default_factory=list)
    sounds: list[bytes] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    async def read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self.texts.append(json.loads(message.data))
            elif message.type is WSMsgType.BINARY:
                self.sounds.append(message.data)
            self.came.set()
        self.over = True
        self.came.set()

    async def text(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of a kind; what came before it is kept as well."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for message in self.texts:
                    if message["type"] == kind and message.items() >= fields.items():
                        return message
                assert not self.over, f"closed ({self.socket.close_code}) before {kind} {fields}: {self.texts}"
                self.came.clear()
                await self.came.wait()

    async def sound(self, number: int = 1) -> list[bytes]:
        """The first messages of sound."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.sounds) < number:
                assert not self.over, f"closed before sound: {self.texts}"
                self.came.clear()
                await self.came.wait()
        return self.sounds

    async def closed(self) -> int | None:
        """The code with which the server has closed it."""
        async with asyncio.timeout(WITHIN_S):
            while not self.over:
                self.came.clear()
                await self.came.wait()
        return self.socket.close_code


@dataclass
class VoiceStage:
    url: str
    http: aiohttp.ClientSession
    services: HttpServices
    happened: list[events.CallEvent]
    stop: Callable[[], Awaitable[None]]
    """Ends the server, with whatever is open."""
    clients: list[tuple[Client, asyncio.Task[None]]] = field(default_factory=list)

    async def connect(self, query: str = "", **options: Any) -> Client:
        client = Client(await self.http.ws_connect(f"{self.url}/ws/voice{query}", **options))
        self.clients.append((client, asyncio.create_task(client.read())))
        return client

    @property
    def guests(self) -> GuestCalls:
        return self.services.guests

    async def calls(self, number: int) -> None:
        """Wait until there are so many."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.guests.calls) != number:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    async def no_calls(self) -> None:
        """Wait until every call has ended."""
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(asyncio.shield(guest.over) for guest in self.guests.calls))


@contextlib.asynccontextmanager
async def voice_stage(
    tmp_path: Path, *, manners: Manners | None = None, engines: Engines | None = None, most_calls: int = 10, **settings: Any
) -> AsyncIterator[VoiceStage]:
    """Serve inside."""
    wanted = load_settings(None, data_dir=tmp_path, **settings)
    bus, happened = events.EventBus(), list[events.CallEvent]()
    bus.subscribe(happened.append)
    engines = engines or Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))

    async def manners_for(_chat_id: int) -> Manners:
        return manners or Manners(welcome=WELCOME)

    async with contextlib.AsyncExitStack() as stack:
        guests = await stack.enter_async_context(
            GuestCalls(engines, manners_for, bus, room=lambda: Admission(most_calls).refusal(len(guests.calls)))
        )
        database = await Database.open(tmp_path / "voice.db")
        stack.push_async_callback(database.close)
        services = HttpServices(
            settings=wanted,
            guests=guests,
            engines=engines,
            pacer=Pacer(),
            bus=bus,
            database=database,
            control=cast(ControlServices, None),
        )
        runner = web.AppRunner(_application(wanted, services), shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        http = await stack.enter_async_context(aiohttp.ClientSession())
        stage = VoiceStage(f"http://127.0.0.1:{port}", http, services, happened, runner.cleanup)
        yield stage
        for client, reading in stage.clients:
            await client.socket.close()
            reading.cancel()
        await asyncio.gather(*(reading for _, reading in stage.clients), return_exceptions=True)
        await stage.no_calls()


def _application(settings: Settings, services: HttpServices) -> web.Application:
    made = web.Application(middlewares=middlewares(places(settings)))
    made[DOORKEEPER] = Doorkeeper(services.database, settings.http_requests_per_minute)
    made[OPEN_SOCKETS] = OpenSockets()
    made.on_shutdown.append(made[OPEN_SOCKETS].close)
    made.add_routes(voice_socket.routes(services))
    return made
