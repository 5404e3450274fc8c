"""A desk at which commands are given to a whole dispatcher, without any Telegram: people write, and what is replied comes back.

Its steady clock stands still: how much may be asked and written in a minute is the same on every machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from telethon.tl import functions, types

from calls import errors
from calls.gate_keeper import OnWait
from calls.invite_links import InviteLinks
from calls.private_call import Direction, PrivateCall
from calls.reconciler import Outlook
from calls.schedule_driver import Appointments
from calls.speculation import Speculation
from calls.state import CallState
from calls.telephony import failures
from calls.telephony.phone_call import PhoneCall, PhoneWishes
from config import load_settings
from handlers.authority import Admins
from handlers.commands import Commands
from handlers.grants import StoredGrants
from handlers.sender import OwnMessages, Sender
from handlers.services import Services
from storage import audit
from storage.appointments import Appointment, Method
from storage.database import Database
from tests.calls.diary import diary_of

STILL_S: Final = 5000.0
PAGES: Final = "https://parley.example.org"
GROUP: Final = -1_000_000_005_001
CHANNEL: Final = -1_000_000_000_007
VOICE: Final = types.Channel(71, "The voice of the club", types.ChatPhotoEmpty(), None, username="voice")
OWNER, ANN, BOB, LISTED, SUDO, STRANGER = 1, 2, 3, 4, 5, 6
"""The account itself · an admin who may manage calls · a member · one on the chat's list · one on the owner's · nobody known."""

NAMED: Final = {"@ann": 20, "@bob": BOB, "@spammer": 21}


class Manager:
    """Calls that are only noted. Joins take ``takes_s``, or with ``holds_joins`` until the next leave."""

    def __init__(self) -> None:
        self.joined: list[tuple[int, str, int]] = []
        self.said: list[str] = []
        self.refusal: Exception | None = None
        self.left: list[int] = []
        self.changed: list[int] = []
        self.states: dict[int, CallState] = {}
        self.outlooks: dict[int, Outlook] = {}
        self.speculation = Speculation()
        self.in_call = True
        self.takes_s = 0.0
        self.holds_joins = False
        self.waits_s = 0.0
        self.asked = 0
        self._left = asyncio.Event()

    async def join(self, chat_id: int, title: str, requested_by: int, *, on_wait: OnWait) -> None:
        self.asked += 1
        self._left.clear()
        if self.waits_s:
            await on_wait(self.waits_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), None if self.holds_joins else self.takes_s or 0.001)
            raise errors.of(errors.BROKEN_OFF)
        if self.refusal:
            raise self.refusal
        self.joined.append((chat_id, title, requested_by))

    async def leave(self, chat_id: int) -> bool:
        self.left.append(chat_id)
        self.holds_joins = False
        self._left.set()
        return self.in_call

    async def manners_changed(self, chat_id: int) -> None:
        self.changed.append(chat_id)

    def state(self, chat_id: int) -> CallState:
        return self.states.get(chat_id, CallState())

    def outlook(self, chat_id: int) -> Outlook | None:
        return self.outlooks.get(chat_id)

    @property
    def wanted(self) -> tuple[int, ...]:
        return tuple(self.outlooks)

    @property
    def active(self) -> tuple[int, ...]:
        return (GROUP,)

    async def speak(self, chat_id: int, text: str) -> bool:
        if self.in_call:
            self.said.append(text)
        return self.in_call


class Client:
    """Telegram, as far as commands need it."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []
        self.lookups = 0
        self.failure: Exception | None = None
        self.admins: list[int] = [ANN]
        self._message_id = 1000

    def add_event_handler(self, *_: Any) -> None: ...

    def remove_event_handler(self, *_: Any) -> None: ...

    @property
    def session(self) -> Any:
        return SimpleNamespace(get_input_entity=self._known)

    def _known(self, name: str | int) -> Any:
        if name in (CHANNEL, "@news"):
            return types.InputPeerChannel(7, 1)
        if name == GROUP:
            return types.InputPeerChannel(5001, 1)
        if name in NAMED:
            return types.InputPeerUser(NAMED[str(name)], 0)
        raise ValueError("not known")

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]

    async def __call__(self, request: Any) -> Any:
        if isinstance(request, functions.phone.GetGroupCallJoinAsRequest):
            return types.phone.JoinAsPeers([types.PeerUser(OWNER), types.PeerChannel(VOICE.id)], [VOICE], [])
        self.lookups += 1
        if self.failure:
            raise self.failure
        rights = types.ChatAdminRights(manage_call=True)
        return SimpleNamespace(participants=[types.ChannelParticipantAdmin(admin, OWNER, None, rights) for admin in self.admins])

    async def send_message(self, chat: Any, text: str, *, reply_to: int | None, **_: Any) -> Any:
        self._message_id += 1
        self.sent.append((self._message_id, text))
        return SimpleNamespace(id=self._message_id)

    async def get_entity(self, user_id: int) -> Any:
        raise ValueError("not known")

    async def get_input_entity(self, name: str) -> Any:
        if name not in NAMED:
            raise ValueError("not known")
        return types.InputPeerUser(NAMED[name], 0)


class Message(SimpleNamespace):
    """What somebody wrote."""

    async def get_chat(self) -> Any:
        return SimpleNamespace(title="" if self.is_private else "Book club")

    async def get_input_chat(self) -> Any:
        return types.InputPeerChannel(5001, 1)

    async def get_reply_message(self) -> Any:
        return self.replied


class Histories:
    def __init__(self) -> None:
        self.cleared: list[int] = []

    def clear(self, chat_id: int) -> int:
        self.cleared.append(chat_id)
        return 1

    def forget(self, speaker_id: int) -> int:
        self.cleared.append(speaker_id)
        return 1


class Transcriber:
    """Has written down what these messages say."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def transcribe(self, message: Any, asker_id: int, language: str) -> None:
        self.asked.append(message)


class Phone:
    """Whoever is phoned answers at once."""

    calls: Sequence[PrivateCall] = ()

    async def start(self, user: int | str) -> int:
        return ANN

    async def hangup(self, user_id: int | None = None) -> int:
        return ANN


class Telephone:
    """Whoever is called answers at once, unless ``refusal`` is raised."""

    def __init__(self) -> None:
        self.calls: list[PhoneCall] = []
        self.wishes: list[tuple[str, PhoneWishes | None]] = []
        self.refusal: Exception | None = None

    async def call(self, written: str, wishes: PhoneWishes | None = None) -> PhoneCall:
        self.wishes.append((written, wishes))
        if self.refusal:
            raise self.refusal
        return PhoneCall("1", "+34612345678", Direction.OUTGOING, 1000.0)

    async def hang_up(self, call_id: str | None = None) -> PhoneCall:
        if not self.calls:
            raise errors.of(failures.NO_CALL)
        return self.calls.pop()


class Decider:
    """An auto-join that always has the same reason."""

    def __init__(self) -> None:
        self.looked: list[int] = []

    async def verdict(self, chat_id: int) -> Any:
        return SimpleNamespace(why="off", fields={})

    def look(self, chat_id: int) -> None:
        self.looked.append(chat_id)


@dataclass
class Desk:
    """``say`` gives a command, the rest is there to be looked at."""

    services: Services
    client: Client
    manager: Manager
    own: OwnMessages
    commands: Commands
    histories: Histories
    restarts: list[bool] = field(default_factory=list)
    _last_id: int = 0

    async def say(self, text: str, by: int | None = ANN, chat_id: int = GROUP, *, private: bool = False, **fields: Any) -> str | None:
        """What is replied to ``text``; None: nothing."""
        message = self.message(text, by, (by or 0) if private else chat_id, private=private, **fields)
        found = self.commands.dispatcher.find(message)
        before = len(self.client.sent)
        if found:
            await self.commands.dispatcher.obey(message, *found)
        return self.client.sent[-1][1] if len(self.client.sent) > before else None

    def message(self, text: str, by: int | None, chat_id: int, *, private: bool = False, **fields: Any) -> Any:
        self._last_id += 1
        usual: dict[str, Any] = {
            "id": self._last_id, "chat_id": chat_id, "sender_id": by, "message": text, "is_private": private, "out": by == OWNER,
            "fwd_from": None, "via_bot_id": None, "edit_date": None, "action": None, "reply_to": None, "replied": None,
            "date": datetime.now(UTC), "sender": types.User(by or 0, first_name="Bob" if by == BOB else "Ann"),
        }  # fmt: skip
        return Message(**(usual | fields))

    async def type(self, text: str, by: int | None = ANN, chat_id: int = GROUP) -> None:
        """Give a command as Telegram delivers it, without waiting for what becomes of it."""
        await self.commands.dispatcher.take(self.message(text, by, chat_id))

    async def settled(self) -> None:
        """Wait until everything that was asked is done."""
        await self.commands.dispatcher.idle()

    @staticmethod
    def reply_to(message_id: int, sender_id: int = BOB) -> dict[str, Any]:
        return {"reply_to": SimpleNamespace(reply_to_msg_id=message_id), "replied": SimpleNamespace(sender_id=sender_id)}

    async def results(self) -> list[tuple[str, str]]:
        """Commands and what became of them, the newest first."""
        await self.commands.audit.drained()
        return [(row.command, row.result) for row in await audit.newest(self.services.database, 500)]


async def three_appointments(database: Database) -> Appointments:
    """The third is the group's."""
    made = diary_of(database, 1000.0)
    for chat_id in (-5, -6, GROUP):
        await made.add(Appointment(chat_id=chat_id, method=Method.GROUP, once_at=90_000.0))
    return made


def still() -> float:
    return STILL_S


@asynccontextmanager
async def desk(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    """One in its own folder."""
    database = await Database.open(folder / "parley.db")
    client, manager, own, histories, restarts = Client(), Manager(), OwnMessages(), Histories(), list[bool]()
    telegram: Any = client
    services = Services(
        client=telegram, settings=load_settings(None, **settings), database=database, manager=manager, grants=StoredGrants(database),
        admins=Admins(telegram, still), connected=lambda: True, framework="py-tgcalls 3.0.0", restart=lambda: restarts.append(True),
        voice_name="piper joe-medium", hearing_name="whisper base", histories=histories,
        transcriber=Transcriber(), phone=Phone(), telephone=Telephone(), links=InviteLinks(database, PAGES, lambda: 1000.0),
        clock=lambda: 1000.0,
        appointments=await three_appointments(database),
    )  # fmt: skip
    await services.grants.add_sudo(SUDO, OWNER, 0.0)
    await services.grants.authorise(GROUP, LISTED, OWNER, 0.0)
    sender = Sender(telegram, "/.!", own, still)
    try:
        async with Commands(services, sender, own, owner_id=OWNER, own_username="parley", clock=still) as commands:
            yield Desk(services, client, manager, own, commands, histories, restarts)
    finally:
        await database.close()
