"""Commands typed by real clients into a group of the loopback Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from telethon import TelegramClient
from telethon.sessions import StringSession

from config import load_settings
from errors import LineError
from handlers.authority import Admins
from handlers.commands import Commands
from handlers.grants import StoredGrants
from handlers.sender import OwnMessages, Sender
from handlers.services import Services
from handlers.wording import say
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat
from storage.database import Database
from tests.calls.waiting import until
from tests.handlers.desk import Manager

REFUSED = say("en", "refused.call_manager", command="/joincall")


@dataclass
class Club:
    """Ann founded it, Carol is an admin without the right to voice chats, Bob a member."""

    telegram: LoopbackTelegram
    group: Chat
    ann: Account
    bob: Account
    carol: Account
    parley: Account
    manager: Manager
    stack: AsyncExitStack

    @property
    def chat_id(self) -> int:
        return -1_000_000_000_000 - self.group.id

    async def client(self, account: Account) -> TelegramClient:
        client = TelegramClient(StringSession(self.telegram.session_for(account)), 1, "h" * 32, flood_sleep_threshold=5)
        self.stack.push_async_callback(client.disconnect)
        await client.connect()
        await client.get_dialogs()
        return client

    async def answer_to(self, account: Account, text: str) -> str:
        """What Parley replies to a message."""
        client = await self.client(account)
        sent = await client.send_message(self.chat_id, text)
        await until(lambda: self.replies_to(sent.id))
        (reply,) = self.replies_to(sent.id)
        return reply

    async def says_and_asks(self, account: Account, text: str) -> int:
        """Have somebody send a message, and then a command that is answered after it; the id of the first."""
        client = await self.client(account)
        sent = await client.send_message(self.chat_id, text)
        await self.answer_to(account, "/callinfo")
        return int(sent.id)

    def replies_to(self, message_id: int) -> list[str]:
        written = [message for message in self.telegram.messages(self.group) if message.content.sender is self.parley]
        return [message.content.text for message in written if message.reply_to == message_id]


@pytest.fixture
async def club(tmp_path: Path) -> AsyncIterator[Club]:
    TelegramClient._config = None
    async with LoopbackTelegram(settings=LoopbackSettings(natural_floods=False)) as telegram, AsyncExitStack() as stack:
        ann, bob, carol = (telegram.add_account(name) for name in ("Ann", "Bob", "Carol"))
        parley = telegram.add_account("Parley", username="parley")
        group = telegram.add_group("Book club", ann, {carol: AdminRights(manage_call=False)}, [bob, parley])
        club = Club(telegram, group, ann, bob, carol, parley, Manager(), stack)
        client = await club.client(parley)
        database = await Database.open(tmp_path / "parley.db")
        stack.push_async_callback(database.close)
        services = Services(
            client=client,
            settings=load_settings(None),
            database=database,
            manager=club.manager,
            grants=StoredGrants(database),
            admins=Admins(client),
            connected=client.is_connected,
            framework="py-tgcalls 3.0.0",
            restart=lambda: None,
            voice_name="piper",
            hearing_name="whisper",
        )
        own = OwnMessages()
        commands = Commands(services, Sender(client, "/.!", own), own, owner_id=parley.id, own_username="parley")
        await stack.enter_async_context(commands)
        yield club
    assert telegram.problems() == []


async def test_the_founder_may_have_parley_join(club: Club) -> None:
    assert (await club.answer_to(club.ann, "/joincall")).startswith("✅")
    assert club.manager.joined == [(club.chat_id, "Book club", club.ann.id)]


async def test_a_member_may_not_and_is_told_whom_to_ask(club: Club) -> None:
    assert await club.answer_to(club.bob, "/joincall") == REFUSED
    assert REFUSED == "Only admins who may manage voice chats can do that. Ask one of them to send /joincall."
    assert club.manager.joined == []


async def test_an_admin_without_the_right_to_voice_chats_may_not(club: Club) -> None:
    assert await club.answer_to(club.carol, "/joincall") == REFUSED


async def test_a_member_may_ask_how_the_call_goes(club: Club) -> None:
    assert "In Call: ❌ No" in await club.answer_to(club.bob, "/callinfo")


@pytest.mark.parametrize("text", ["/joincall@other", "joincall", "see /joincall", "/unknown"])
async def test_what_is_no_command_of_ours_gets_no_answer(club: Club, text: str) -> None:
    sent = await club.says_and_asks(club.ann, text)
    assert club.replies_to(sent) == []
    assert club.manager.joined == []


async def test_our_name_behind_the_command_is_fine(club: Club) -> None:
    assert (await club.answer_to(club.ann, "/joincall@parley")).startswith("✅")


async def test_an_edited_message_is_no_command(club: Club) -> None:
    client = await club.client(club.ann)
    sent = await client.send_message(club.chat_id, "hello")
    await client.edit_message(club.chat_id, sent.id, "/joincall")
    await club.answer_to(club.ann, "/callinfo")
    assert club.replies_to(sent.id) == []
    assert club.manager.joined == []


async def test_what_the_account_writes_on_another_device_is_the_owners_command(club: Club) -> None:
    assert "In Call: ❌ No" in await club.answer_to(club.parley, "/callinfo")


async def test_a_failure_is_told_with_the_next_step(club: Club) -> None:
    club.manager.refusal = LineError("No active voice chat.", "Start one and send /joincall again.")
    assert await club.answer_to(club.ann, "/joincall") == "No active voice chat. Start one and send /joincall again."


async def test_a_mistake_of_ours_is_told_without_its_inner_parts(club: Club) -> None:
    club.manager.refusal = RuntimeError("secret detail")
    answer = await club.answer_to(club.ann, "/joincall")
    assert answer == "Something went wrong on my side. The log says what; please try again."


async def test_a_flood_wait_on_the_question_who_may_is_told(club: Club) -> None:
    club.telegram.faults.flood("channels.GetParticipants", 60, account_id=club.parley.id)
    answer = await club.answer_to(club.ann, "/joincall")
    assert answer == "Telegram asks me to wait 60 seconds before I can check who may do that. Please send it again then."


async def test_rights_that_telegram_does_not_tell_are_not_granted(club: Club) -> None:
    club.telegram.faults.fail("channels.GetParticipants", 400, "CHAT_ADMIN_REQUIRED", account_id=club.parley.id)
    answer = await club.answer_to(club.ann, "/joincall")
    assert answer == "Telegram did not tell me whether you may do that. Please send it again in a minute."
    assert club.manager.joined == []


async def test_where_parley_may_not_write_nothing_breaks(club: Club, caplog: pytest.LogCaptureFixture) -> None:
    club.telegram.faults.fail("messages.SendMessage", 403, "CHAT_WRITE_FORBIDDEN", account_id=club.parley.id)
    client = await club.client(club.ann)
    await client.send_message(club.chat_id, "/callinfo")
    await until(lambda: "a message could not be sent" in caplog.text)
    await client.send_message(club.chat_id, "/callinfo")
    await until(lambda: "Telegram will not have it now" in caplog.text)
    assert len(club.telegram.seen("messages.SendMessage", club.parley)) == 1
