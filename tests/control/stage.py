"""Calls that are only noted, and a control socket in front of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from calls import errors
from calls.errors import CallError
from calls.events import EventBus
from calls.invite_links import InviteLinks
from calls.private_call import Direction, PrivateCall, Stage
from calls.reconciler import Outlook
from calls.state import CallState, PublicState
from control.controlled import dispatcher_of
from control.framing import BadFrame, Framer, Framing, framed
from control.services import ControlServices
from control.socket_server import ControlServer
from errors import ParleyError
from storage.database import Database
from tests.calls.diary import diary_of

CHAT: Final = -1001234567890
ACCOUNT: Final = 777
ANN: Final = 42
NOW: Final = 1_700_000_000.0
PAGES: Final = "https://parley.example.org"

STATUS: Final = b'{"jsonrpc": "2.0", "method": "status", "id": 1}'
JOIN: Final = b'{"jsonrpc": "2.0", "method": "join", "params": {"chat_id": -1001234567890}, "id": 1}'
LEAVE: Final = b'{"jsonrpc": "2.0", "method": "leave", "params": {"chat_id": -1001234567890}, "id": 1}'
SPEAK: Final = b"""{
  "jsonrpc": "2.0", 
  "method": "speak", 
  "params": {
    "chat_id": -1001234567890,
    "text": "Hola a tothom!",
    "language": "ca"
  }, 
  "id": 1
}"""  # noqa: W291 - these are the requests of the first document, byte for byte
EXAMPLES: Final = (STATUS, JOIN, SPEAK, LEAVE)


@dataclass
class Calls:
    """Group calls that come about at once. ``refusal`` is raised by joins, which last until ``may_join``, as speeches until ``may_end``."""

    joined: dict[int, str] = field(default_factory=dict)
    said: list[tuple[int, str, str | None, bool]] = field(default_factory=list)
    asked_by: list[int] = field(default_factory=list)
    refusal: ParleyError | None = None
    heard: bool = True
    outlooks: dict[int, Outlook] = field(default_factory=dict)
    may_join: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    broken: Exception | None = None
    begun: int = 0
    """How many joins were asked for, whatever became of them."""

    def __post_init__(self) -> None:
        self.may_join.set()
        self.may_end.set()

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        self.begun += 1
        await self.may_join.wait()
        if self.broken:
            raise self.broken
        if self.refusal:
            raise self.refusal
        self.asked_by.append(requested_by)
        self.joined[chat_id] = title

    async def leave(self, chat_id: int) -> bool:
        return self.joined.pop(chat_id, None) is not None

    async def speak(self, chat_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        await self.may_end.wait()
        self.said.append((chat_id, text, language, first))
        return self.heard

    def state(self, chat_id: int) -> CallState:
        return CallState(PublicState.JOINED, ["Ann"], join_time=1e9) if chat_id in self.joined else CallState()

    def outlook(self, chat_id: int) -> Outlook | None:
        return self.outlooks.get(chat_id)

    @property
    def active(self) -> tuple[int, ...]:
        return tuple(self.joined)

    @property
    def wanted(self) -> tuple[int, ...]:
        return (*self.joined, *self.outlooks)


@dataclass
class Phone:
    """Private calls that come about at once."""

    asked: list[tuple[str, int | str | None]] = field(default_factory=list)
    refusal: ParleyError | None = None
    ongoing: list[PrivateCall] = field(default_factory=list)

    def _noted(self, what: str, whom: int | str | None) -> int:
        self.asked.append((what, whom))
        if self.refusal:
            raise self.refusal
        return whom if isinstance(whom, int) else ANN

    async def start(self, user: int | str) -> int:
        return self._noted("start", user)

    async def accept(self, user_id: int | None) -> int:
        return self._noted("accept", user_id)

    async def reject(self, user_id: int | None) -> int:
        return self._noted("reject", user_id)

    async def hangup(self, user_id: int | None) -> int:
        return self._noted("hangup", user_id)

    async def speak(self, user_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        self.asked.append((text, user_id))
        return True

    @property
    def calls(self) -> list[PrivateCall]:
        return self.ongoing

    def rings(self) -> None:
        self.ongoing.append(PrivateCall(ANN, "Ann", Direction.INCOMING, Stage.RINGING, 1e9))


OWNER: Final = 77


async def title_of(chat_id: int) -> str:
    if chat_id != CHAT:
        raise errors.of(errors.NO_ACCESS)
    return "Book club"


@dataclass
class Standing:
    """What stands behind the socket."""

    path: Path
    calls: Calls
    phone: Phone
    bus: EventBus
    database: Database
    server: ControlServer
    draining: list[bool]


@asynccontextmanager
async def services(
    folder: Path, calls: Calls, phone: Phone | None = None, draining: list[bool] | None = None, pages: str | None = PAGES
) -> AsyncIterator[ControlServices]:
    database = await Database.open(folder / "parley.db")
    try:
        yield ControlServices(
            calls=calls,
            private_calls=phone,
            links=InviteLinks(database, pages, lambda: NOW),
            appointments=diary_of(database, NOW),
            owner_chat=OWNER,
            database=database,
            account_id=ACCOUNT,
            title_of=title_of,
            connected=lambda: True,
            framework="py-tgcalls 3",
            hearing_name="whisper",
            voice_name="piper",
            draining=lambda: bool(draining),
            clock=lambda: NOW,
        )
    finally:
        await database.close()


@asynccontextmanager
async def stage(folder: Path, pages: str | None = PAGES, **options: Any) -> AsyncIterator[Standing]:
    """A server that listens in ``folder``, the call page is at ``pages``; others go to :class:`control.socket_server.ControlServer`."""
    calls, phone, bus = Calls(), Phone(), EventBus()
    draining: list[bool] = []
    path = folder / "control.sock"
    async with services(folder, calls, phone, draining, pages) as made, ControlServer(path, dispatcher_of(made), bus, **options) as server:
        yield Standing(path, calls, phone, bus, made.database, server, draining)


class Client:
    """A program that has connected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framing: Framing) -> None:
        self.reader = reader
        self.writer = writer
        self.framing = framing
        self._framer = Framer()
        self._messages: list[Any] = []

    @classmethod
    async def connect(cls, path: Path, framing: Framing = Framing.LINES) -> Self:
        return cls(*await asyncio.open_unix_connection(path), framing)

    def send(self, *messages: bytes) -> None:
        for message in messages:
            self.writer.write(framed(message, self.framing))

    async def message(self, within_s: float = 20.0) -> Any:
        """The next message."""
        async with asyncio.timeout(within_s):
            while not self._messages:
                data = await self.reader.read(65_536)
                assert data, "hung up"
                for frame in self._framer.feed(data):
                    assert not isinstance(frame, BadFrame)
                    self._messages.append(json.loads(frame))
        return self._messages.pop(0)

    async def ask(self, method: str, /, **params: Any) -> Any:
        """The answer to a request; what is told meanwhile is skipped."""
        self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": "asked"}).encode())
        while (message := await self.message()).get("id") != "asked":
            pass
        return message

    async def is_quiet(self, for_s: float = 0.1) -> bool:
        """Nothing comes."""
        try:
            await self.message(for_s)
        except TimeoutError:
            return True
        return False

    async def hung_up(self, within_s: float = 20.0) -> bool:
        """The other end has closed the connection."""
        async with asyncio.timeout(within_s):
            while await self.reader.read(65_536):
                pass
        self.close()
        return True

    def close(self) -> None:
        self.writer.close()


def call_error(failure: errors.Failure, **fields: Any) -> CallError:
    return CallError(failure.what, failure.next_step, failure.remedy, key=failure.key, **fields)
