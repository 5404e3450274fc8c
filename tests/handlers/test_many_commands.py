"""Two hundred commands from twenty people in a few seconds: no flood, nothing that somebody may not do, and nobody left without a word."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest
from telethon import TelegramClient
from telethon.sessions import StringSession

from calls.gates import Gates
from config import load_settings
from handlers.authority import ASKED_AGAIN_AFTER_S, Admins
from handlers.commands import Commands
from handlers.grants import StoredGrants
from handlers.sender import OwnMessages, Sender
from handlers.services import Services
from handlers.wording import say
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat
from loopback.world.mailbox import Message
from storage import audit, chats
from storage.database import Database
from tests.calls.waiting import until
from tests.handlers.desk import Manager

PEOPLE = 20
EACH = 10
BETWEEN_S = 0.03
MOST_TEXTS_A_MINUTE = 30
TOLD_TO_WAIT = ("Those were many commands", "⏳ Those were many commands")

FOR_EVERYBODY = ("callinfo", "help", "sttstatus", "ttsstatus", "optouts")
FOR_ADMINS = ("joincall", "mode always", "callon", "leavecall", "callquiet 22:00 08:00", "unauth 5")
FOR_THE_OWNER = ("restart", "sudo 5", "blacklist 5", "stats")


@dataclass
class Crowd:
    """Ann founded the group and Carol is an admin of it; the other eighteen are members."""

    telegram: LoopbackTelegram
    group: Chat
    people: list[Account]
    parley: Account
    manager: Manager
    database: Database
    commands: Commands
    restarts: list[bool]
    shouted_for_s: float = 0.0

    @property
    def admins(self) -> set[int]:
        return {account.id for account in self.people[:2]}

    async def shout(self) -> list[Message]:
        """Everybody sends one command after another."""
        texts = {account.id: self._texts(account) for account in self.people}
        sent, began_s = [], time.monotonic()
        for _ in range(EACH):
            for account in self.people:
                sent.append(self.telegram.say(self.group, account, f"/{next(texts[account.id])}"))
                await asyncio.sleep(BETWEEN_S)
        async with asyncio.timeout(60):
            while len(await self.obeyed()) < len(sent):  # noqa: ASYNC110 - what is still on its way does not tell
                await asyncio.sleep(0.05)
        self.shouted_for_s = time.monotonic() - began_s
        return sent

    async def obeyed(self) -> list[audit.AuditRow]:
        """What became of the commands that are done."""
        await self.commands.dispatcher.idle()
        await self.commands.audit.drained()
        return await audit.newest(self.database, 1000)

    def _texts(self, account: Account) -> Iterator[str]:
        turns = account.id % 7
        texts = [*FOR_ADMINS, *FOR_EVERYBODY, *FOR_THE_OWNER]
        return cycle(texts[turns:] + texts[:turns])

    def written(self) -> list[Message]:
        return [message for message in self.telegram.messages(self.group) if message.content.sender is self.parley]

    def requests(self) -> Counter[str]:
        return Counter(request.method for request in self.telegram.seen("*", self.parley))


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    async with LoopbackTelegram() as telegram, AsyncExitStack() as stack:
        people = [telegram.add_account(f"Person {number}") for number in range(PEOPLE)]
        parley = telegram.add_account("Parley", username="parley")
        group = telegram.add_group("Book club", people[0], {people[1]: AdminRights()}, [*people[2:], parley])
        client = TelegramClient(StringSession(telegram.session_for(parley)), 1, "h" * 32, flood_sleep_threshold=0)
        stack.push_async_callback(client.disconnect)
        await client.connect()
        await client.get_dialogs()
        database = await Database.open(tmp_path / "parley.db")
        stack.push_async_callback(database.close)
        manager, own, restarts = Manager(), OwnMessages(), list[bool]()
        manager.takes_s = 0.5
        services = Services(
            client=client, settings=load_settings(None), database=database, manager=manager, grants=StoredGrants(database),
            admins=Admins(client), connected=client.is_connected, framework="py-tgcalls 3.0.0", restart=lambda: restarts.append(True),
            voice_name="piper", hearing_name="whisper",
        )  # fmt: skip
        sender = Sender(client, "/.!", own, gates=Gates(time.monotonic))
        stack.push_async_callback(sender.close)
        commands = await stack.enter_async_context(Commands(services, sender, own, owner_id=parley.id, own_username="parley"))
        yield Crowd(telegram, group, people, parley, manager, database, commands, restarts)
        assert telegram.problems() == []


async def test_two_hundred_commands_from_twenty_people(crowd: Crowd) -> None:
    sent = await crowd.shout()
    assert len(sent) == PEOPLE * EACH

    # No flood: Telegram was asked for little, and never too often.
    requests = crowd.requests()
    assert crowd.telegram.world.floods.provoked == 0
    assert requests["messages.SendMessage"] <= MOST_TEXTS_A_MINUTE * (1 + crowd.shouted_for_s // 60)
    assert requests["messages.EditMessage"] <= 4
    assert requests["channels.GetParticipants"] <= 5 + crowd.shouted_for_s // ASKED_AGAIN_AFTER_S
    assert requests["contacts.ResolveUsername"] == requests["channels.GetFullChannel"] == 0

    # Nobody did what they may not do.
    rows = await crowd.obeyed()
    assert len(rows) == len(sent)
    lists = {text.split()[0] for text in FOR_ADMINS}
    done = {(row.user_id in crowd.admins, row.command) for row in rows if row.result == "done"}
    assert {command for is_admin, command in done if not is_admin} <= set(FOR_EVERYBODY)
    assert {command for is_admin, command in done if is_admin} <= set(FOR_EVERYBODY) | lists
    assert {user_id for _, _, user_id in crowd.manager.joined} <= crowd.admins
    assert not crowd.restarts
    may = {row.command for row in rows if row.user_id in crowd.admins and row.result == "done"}
    kept = await chats.get(crowd.database, crowd.group.dialog_id)
    assert (kept.mode == "always", kept.auto_join, bool(kept.quiet_from)) == ("mode" in may, "callon" in may, "callquiet" in may)

    # Everybody was answered, or told to wait.
    results = Counter(row.result for row in rows)
    replied_to = {message.reply_to for message in crowd.written()}
    unanswered = [message for message in sent if message.id not in replied_to]
    told = [message for message in crowd.written() if message.content.text.startswith(TOLD_TO_WAIT)]
    shared = len([row for row in rows if row.command == "joincall" and row.result == "done"])
    assert told
    assert len(unanswered) <= results["told to wait"] + shared
    assert results["done"] + results["refused"] >= 10, "it is not enough to have everybody wait"


async def test_an_admin_gets_the_bot_out_of_a_call_whatever_others_send(crowd: Crowd) -> None:
    crowd.manager.takes_s = 60.0
    crowd.telegram.say(crowd.group, crowd.people[0], "/joincall")
    for account in crowd.people[2:]:
        for _ in range(3):
            crowd.telegram.say(crowd.group, account, "/help")
    await until(lambda: crowd.manager.asked)
    leaving = crowd.telegram.say(crowd.group, crowd.people[1], "/leavecall")
    await until(lambda: leaving.id in {message.reply_to for message in crowd.written()})
    assert crowd.manager.left == [crowd.group.dialog_id]
    assert [message.content.text for message in crowd.written() if message.reply_to == leaving.id] == [say("en", "join.left")]
