"""The whole HTTP server in this process, with group and private calls that are only noted, guests on scripted lines, and stub engines."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import LooseHeaders
from prometheus_client import CollectorRegistry, Gauge

from audio.stt import Transcript, Word
from calls.admission import Admission
from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import Door, GuestCall, GuestCalls, GuestWishes
from calls.lines import ParticipantJoined
from calls.lines.pacer import Pacer
from calls.manners import Manners
from config import load_settings
from control.http.scopes import Scope
from control.http.server import application
from control.http.services import HttpServices
from storage import tokens
from storage.database import FILE_NAME, Database
from tests.calls.scripted_line import ScriptedLine
from tests.calls.stage import ANN, HearsClips, ScriptedBrain, ScriptedVoice
from tests.control.stage import Calls, Phone, services

NOW = 1e9


class HearsWords:
    """Hears the same words in every piece of sound."""

    name = "scripted hearing"

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        self.asked.append(language)
        return Transcript("Good morning.", language or "en", words=(Word("Good", 0.1, 0.4), Word("morning.", 0.5, 0.9)))

    async def close(self) -> None: ...


@dataclass
class HttpStage:
    client: TestClient[Any, Any]
    services: HttpServices
    calls: Calls
    phone: Phone
    hearing: HearsWords
    voice: ScriptedVoice
    draining: list[bool]

    @property
    def bus(self) -> EventBus:
        return self.services.bus

    @property
    def database(self) -> Database:
        return self.services.database

    async def token(self, *scopes: Scope, name: str = "dashboard", expires_at: float | None = None) -> str:
        """A new token."""
        return (await tokens.create(self.database, name, scopes or (Scope.ADMIN,), NOW, expires_at))[0]

    async def guest(self) -> GuestCall:
        """Ann calls from her browser."""
        line = ScriptedLine(opens_after_s=0)
        guest = await self.services.guests.open(line, GuestWishes(door=Door.BROWSER, title="Ann's browser"))
        line.waiting.put_nowait(ParticipantJoined(ANN))
        return guest

    async def ask(
        self, path: str, sent: object = None, *, token: str | None = None, headers: dict[str, str] | None = None, method: str = ""
    ) -> tuple[int, Any]:
        """Status and answer (JSON)."""
        told: LooseHeaders = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        async with self.client.request(method or ("GET" if sent is None else "POST"), path, json=sent, headers=told) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def http_stage(tmp_path: Path, **settings: Any) -> AsyncIterator[HttpStage]:
    """Serve inside."""
    calls, phone, draining, bus = Calls(), Phone(), list[bool](), EventBus()
    hearing, voice = HearsWords(), ScriptedVoice(first_audio_s=0.0)
    talking = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), voice)
    registry = CollectorRegistry()
    Gauge("parley_calls", "Calls.", registry=registry)

    async def manners_for(_chat_id: int) -> Manners:
        return Manners()

    async with contextlib.AsyncExitStack() as stack:
        control = await stack.enter_async_context(services(tmp_path, calls, phone, draining))
        assert control.database.path.name == FILE_NAME
        guests = await stack.enter_async_context(
            GuestCalls(talking, manners_for, bus, room=lambda: Admission(2).refusal(len(guests.calls)), wall_clock=lambda: NOW)
        )
        made = HttpServices(
            settings=load_settings(None, data_dir=tmp_path, **settings),
            guests=guests,
            engines=Engines(hearing, ScriptedBrain(lambda _messages: "Yes."), voice),
            pacer=Pacer(),
            bus=bus,
            database=control.database,
            control=control,
            registry=registry,
        )
        server = TestServer(application(made))
        await server.start_server(access_log=None)
        client = await stack.enter_async_context(TestClient(server))
        yield HttpStage(client, made, calls, phone, hearing, voice, draining)
