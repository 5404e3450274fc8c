"""Commands given while Parley is away, on the loopback Telegram: found, and obeyed once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.sessions import StringSession

from calls.telegram.connection import Connection
from config import load_settings
from handlers import catch_up
from handlers.authority import Admins
from handlers.catch_up import CatchUp
from handlers.claims import FRESH_FOR_S, Claims
from handlers.commands import Commands
from handlers.grants import StoredGrants
from handlers.sender import OwnMessages, Sender
from handlers.services import Services
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.mailbox import Message
from storage.database import Database
from storage.errors import Problem, StorageError
from tests.calls.waiting import until
from tests.handlers.desk import Manager


@dataclass
class Club:
    """Ann founded it, Bob is a member. Parley comes and goes with :meth:`parley_there`; ``later_s`` is how far the clock was put on."""

    telegram: LoopbackTelegram
    folder: Path
    ann: Account
    bob: Account
    parley: Account
    group: Chat
    manager: Manager = field(default_factory=Manager)
    later_s: float = 0.0

    @asynccontextmanager
    async def parley_there(self) -> AsyncIterator[CatchUp]:
        """Parley at work, and what it has missed found."""
        async with AsyncExitStack() as stack:
            client = TelegramClient(StringSession(self.telegram.session_for(self.parley)), 1, "h" * 32, flood_sleep_threshold=0)
            client.flood_sleep_threshold = 0
            stack.push_async_callback(client.disconnect)
            await client.connect()
            await client.get_me()
            database = await Database.open(self.folder / "parley.db")
            stack.push_async_callback(database.close)
            services = Services(
                client=client, settings=load_settings(None), database=database, manager=self.manager, grants=StoredGrants(database),
                admins=Admins(client), connected=client.is_connected, framework="py-tgcalls", restart=lambda: None,
                voice_name="piper", hearing_name="whisper",
            )  # fmt: skip
            own, connection = OwnMessages(), Connection(client)
            watching = asyncio.create_task(connection.watch())
            stack.callback(watching.cancel)
            sender = Sender(client, "/.!", own)
            commands = Commands(services, sender, own, owner_id=self.parley.id, own_username=None, now=connection.now_s)
            await stack.enter_async_context(commands)
            yield await stack.enter_async_context(CatchUp(client, commands.dispatcher, connection, database))

    def says(self, text: str, by: Account | None = None, where: Chat | Account | None = None) -> Message:
        return self.telegram.say(where or self.group, by or self.ann, text)

    def replies_to(self, message: Message, where: Chat | None = None) -> list[str]:
        written = [each for each in self.telegram.messages(where or self.group) if each.content.sender is self.parley]
        return [each.content.text for each in written if each.reply_to == message.id]

    async def answered(self, message: Message, where: Chat | None = None) -> str:
        await until(lambda: self.replies_to(message, where))
        (reply,) = self.replies_to(message, where)
        return reply

    def looked(self) -> int:
        return len(self.telegram.seen("messages.GetDialogs", self.parley))


@pytest.fixture
async def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Club]:
    monkeypatch.setattr(catch_up, "BETWEEN_CHATS_S", 0.0)
    monkeypatch.setattr(catch_up, "BETWEEN_LOOKS_S", 0.0)
    monkeypatch.setattr(catch_up, "SETTLED_AFTER_S", 0.1)
    TelegramClient._config = None
    clubs: list[Club] = []
    settings = LoopbackSettings(natural_floods=False)
    async with LoopbackTelegram(settings=settings, clock=lambda: time.time() + (clubs[0].later_s if clubs else 0.0)) as telegram:
        ann, bob, parley = (telegram.add_account(name) for name in ("Ann", "Bob", "Parley"))
        clubs.append(Club(telegram, tmp_path, ann, bob, parley, telegram.add_group("Book club", ann, members=[bob, parley])))
        yield clubs[0]
    assert telegram.problems() == []


async def test_what_was_asked_while_parley_was_away_is_answered_once_over_all_restarts(club: Club) -> None:
    asked = club.says("/ping")
    async with club.parley_there():
        await club.answered(asked)
    for found in (1, 2):
        async with club.parley_there() as catching_up:
            assert await catching_up.look() == found
            await club.answered(club.says("/callinfo"))
    assert len(club.replies_to(asked)) == 1


async def test_who_may_not_is_refused_just_as_when_parley_is_there(club: Club) -> None:
    allowed, refused, stranger = club.says("/joincall"), club.says("/joincall", club.bob), club.says("/joincall", club.bob, club.parley)
    async with club.parley_there():
        await club.answered(refused)
        await club.answered(allowed)
        await club.answered(club.says("/ping"))
    assert [title for _, title, _ in club.manager.joined] == ["Book club"]
    assert [each.reply_to for each in club.telegram.messages(club.bob, club.parley) if each.reply_to] == []
    assert stranger.id


async def test_commands_of_a_chat_are_obeyed_in_the_order_in_which_they_were_given(club: Club) -> None:
    asked = [club.says(text) for text in ("/ping", "hello", "/callinfo", "/help ping")]
    async with club.parley_there():
        await club.answered(asked[-1])
    answered = [each.reply_to for each in club.telegram.messages(club.group) if each.content.sender is club.parley]
    assert answered == [asked[0].id, asked[2].id, asked[3].id]


async def test_more_commands_than_a_mailbox_holds_are_all_answered(club: Club) -> None:
    asked = [club.says("/ping", by) for _ in range(6) for by in (club.ann, club.bob)]
    async with club.parley_there():
        for each in asked:
            await club.answered(each)


async def test_what_is_old_is_not_obeyed(club: Club) -> None:
    old = club.says("/ping")
    club.later_s = FRESH_FOR_S + 5.0
    newer = club.says("/ping")
    async with club.parley_there():
        await club.answered(newer)
    assert club.replies_to(old) == []


async def test_what_was_asked_during_an_outage_is_answered_once(club: Club) -> None:
    async with club.parley_there():
        await club.answered(club.says("/ping"))
        await club.telegram.begin_outage(club.parley)
        asked, looked = club.says("/ping"), club.looked()
        await asyncio.sleep(0.3)
        await club.telegram.end_outage(club.parley)
        await until(lambda: club.looked() > looked)
        await club.answered(asked)
        await club.answered(club.says("/callinfo"))
        assert len(club.replies_to(asked)) == 1


async def test_few_chats_are_read_those_first_where_parley_is_known(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    async with club.parley_there():
        await club.answered(club.says("/ping"))
    known = club.says("/callinfo")
    others = [club.telegram.add_group(f"Club {number}", club.ann, members=[club.parley]) for number in range(4)]
    asked = [(club.says("/ping", where=other), other) for other in others]
    monkeypatch.setattr(catch_up, "MOST_READ", 2)
    before = len(club.telegram.seen("messages.GetHistory", club.parley))
    async with club.parley_there():
        await club.answered(known)
        await until(lambda: any(club.replies_to(*each) for each in asked))
        assert len(club.telegram.seen("messages.GetHistory", club.parley)) - before == 2


async def test_chats_in_which_nothing_was_written_are_not_read(club: Club) -> None:
    club.telegram.add_group("Old club", club.ann, members=[club.parley])
    club.later_s = FRESH_FOR_S + 5.0
    asked = club.says("/ping")
    async with club.parley_there():
        await club.answered(asked)
        assert len(club.telegram.seen("messages.GetHistory", club.parley)) == 1


async def test_when_telegram_asks_to_wait_it_is_waited_for(club: Club) -> None:
    asked = club.says("/ping")
    club.telegram.fault("flood", account=club.parley, method="messages.GetDialogs", seconds=1)
    async with club.parley_there():
        await club.answered(asked)
    assert club.looked() == 2


async def test_what_telegram_refuses_to_show_costs_nothing_else(club: Club, caplog: pytest.LogCaptureFixture) -> None:
    missed = club.says("/ping")
    club.telegram.faults.fail("messages.GetDialogs", 400, "OFFSET_PEER_ID_INVALID", account_id=club.parley.id)
    async with club.parley_there():
        await until(lambda: "missed commands could not be looked for" in caplog.text)
        await club.answered(club.says("/ping"))
    assert club.replies_to(missed) == []


async def test_a_conversation_that_cannot_be_read_keeps_none_of_the_others_back(club: Club) -> None:
    asked = club.says("/ping")
    closed = club.telegram.add_group("Closed club", club.ann, members=[club.parley])
    club.says("/ping", where=closed)
    club.telegram.fault("channel_private", account=club.parley, chat=closed)
    async with club.parley_there():
        await club.answered(asked)


# ---- claims


def message(number: int, age_s: float = 0.0) -> Any:
    return SimpleNamespace(chat_id=-5, id=number, date=datetime.fromtimestamp(10_000.0 - age_s, UTC))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "parley.db")
    yield opened
    await opened.close()


async def test_a_message_is_claimed_once_by_all_that_share_the_database(database: Database) -> None:
    before, after = Claims(database, lambda: 10_000.0), Claims(database, lambda: 10_000.0)
    assert await before.claim(message(1))
    assert not await before.claim(message(1))
    assert not await after.claim(message(1), missed=True)
    assert await after.claim(message(2), missed=True)


async def test_an_old_message_is_not_claimed(database: Database) -> None:
    claims = Claims(database, lambda: 10_000.0)
    assert await claims.claim(message(1, FRESH_FOR_S - 1.0))
    assert not await claims.claim(message(2, FRESH_FOR_S + 1.0))


async def test_where_nothing_can_be_kept_only_what_comes_now_is_obeyed_and_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> bool:
        raise StorageError("The disk is full.", "Make room.", Problem.FULL)

    monkeypatch.setattr("storage.obeyed.note", full)
    claims = Claims(database, lambda: 10_000.0)
    assert await claims.claim(message(1))
    assert not await claims.claim(message(1))
    assert not await claims.claim(message(2), missed=True)
