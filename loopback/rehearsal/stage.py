"""The people of a rehearsal and their chats, on a loopback Telegram; and the bot's place in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from loopback.media.server import MediaServer
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from loopback.rehearsal.backstage import Backstage
from loopback.rehearsal.cast import ChatLog, ChatMessage
from loopback.rehearsal.parts import ChatSettings, Right
from loopback.rehearsal.script import Script
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat

POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class PersonActor:
    """A person of the loopback Telegram as an :class:`~loopback.rehearsal.cast.Actor`.

    In groups it is a client like any other; what is sent in private is put into the chat without one.
    """

    person: Person
    account: Account
    backstage: Backstage

    @property
    def name(self) -> str:
        """As shown in the chat."""
        return self.person.name

    @property
    def said(self) -> Sequence[Spoken]:
        """All that was said so far."""
        return self.person.mouth.said

    @property
    def ear(self) -> Ear:
        """All that was heard of the bot."""
        return self.person.ear_of(self.backstage.bot.id)

    async def type(self, chat: str, text: str, *, reply_to_bot: bool = False) -> None:
        """Write a message."""
        reply_to = self._replied(chat, reply_to_bot)
        if chat in self.backstage.chats:
            await self.person.type(self._id_of(chat), text, reply_to=reply_to)
        else:
            self.backstage.telegram.say(self.backstage.bot, self.account, text, reply_to=reply_to)

    async def send_voice_note(self, chat: str, ogg: bytes, duration_s: float, *, caption: str = "", reply_to_bot: bool = False) -> None:
        """Send a voice note."""
        reply_to = self._replied(chat, reply_to_bot)
        if chat in self.backstage.chats:
            await self.person.send_voice_note(self._id_of(chat), ogg, duration_s, caption=caption, reply_to=reply_to)
        else:
            self.backstage.telegram.send_voice_note(
                self.backstage.bot, self.account, ogg, round(duration_s), caption=caption, reply_to=reply_to
            )

    async def send_file(self, chat: str, data: bytes, name: str, *, caption: str = "", reply_to_bot: bool = False) -> None:
        """Send a file."""
        reply_to = self._replied(chat, reply_to_bot)
        if chat in self.backstage.chats:
            await self.person.send_file(self._id_of(chat), data, name, caption=caption, reply_to=reply_to)
        else:
            self.backstage.telegram.send_document(
                self.backstage.bot, self.account, data, file_name=name, caption=caption, reply_to=reply_to
            )

    async def start_voice_chat(self, chat: str) -> None:
        """Start the voice chat of a group."""
        await self.person.start_voice_chat(self._id_of(chat))

    async def join_call(self, chat: str) -> None:
        """Join the voice chat of a group."""
        await self.person.join_call(self._id_of(chat))

    async def leave_call(self) -> None:
        """Leave the voice chat."""
        await self.person.leave_call()

    async def phone_bot(self) -> None:
        """Phone the bot, which is a contact from then on, as for whoever phones for the first time."""
        self.account.contacts.add(self.backstage.bot.id)
        await self.person.call(self.backstage.bot.id)

    async def hang_up(self) -> None:
        """End the private call."""
        await self.person.hang_up()

    async def speak(self, pcm: bytes) -> Spoken:
        """Say ``pcm`` (24 kHz) in real time."""
        return await self.person.speak(pcm)

    def _id_of(self, chat: str) -> int:
        return self.backstage.chats[chat].dialog_id

    def _replied(self, chat: str, reply_to_bot: bool) -> int | None:
        return self.backstage.newest_of_bot(chat, self.account) if reply_to_bot else None


@dataclass(frozen=True, slots=True)
class Stage:
    """The people by name, and the session with which the bot is signed in. ``owner_id`` is the account of the script's owner.

    ``problems`` tells what went wrong in the loopback Telegram itself so far.
    """

    actors: dict[str, PersonActor]
    backstage: Backstage
    bot_session: str
    owner_id: int | None
    problems: Callable[[], list[str]] = list


@asynccontextmanager
async def open_stage(script: Script, bot_name: str) -> AsyncIterator[Stage]:
    """A running loopback Telegram with the script's people online in their chats; on exit all of them leave their calls.

    The chats belong to somebody who never appears, so that nobody has more rights than the script gives.
    """
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(LoopbackTelegram(MediaServer()))
        pacer = await stack.enter_async_context(Pacer())
        bot, creator = telegram.add_account(bot_name), telegram.add_account("Olivia")
        accounts = {name: telegram.add_account(name) for name in script.people}
        chats = {
            name: _add_chat(telegram, name, settings, creator, bot, _rights_in(script, name, accounts))
            for name, settings in script.places.items()
        }
        backstage = Backstage(telegram, bot, creator, accounts, chats)
        actors = {}
        for name, account in accounts.items():
            person = Person(name, telegram.session_for(account), pacer)
            stack.push_async_callback(person.disconnect)
            await person.connect()
            actors[name] = PersonActor(person, account, backstage)
        owner_id = accounts[script.owner].id if script.owner is not None else None
        yield Stage(actors, backstage, telegram.session_for(bot), owner_id, telegram.problems)


def _rights_in(script: Script, chat: str, accounts: dict[str, Account]) -> dict[Account, Right]:
    return {account: script.people[name].right_in(chat) for name, account in accounts.items()}


def _add_chat(
    telegram: LoopbackTelegram, title: str, settings: ChatSettings, creator: Account, bot: Account, people: dict[Account, Right]
) -> Chat:
    bots_right: Right = "none" if settings.bot == "absent" else settings.bot
    everybody = {bot: bots_right, **people}
    admins = {who: AdminRights(manage_call=right == "admin") for who, right in everybody.items() if right.startswith("admin")}
    members = [who for who, right in everybody.items() if right == "member"]
    chat = telegram.add_chat(settings.chat_kind, title, creator, admins, members, username=settings.username)
    if settings.slow_mode:
        telegram.set_slow_mode(chat, settings.slow_mode)
    return chat


async def read_along(stage: Stage, bot_name: str, log: ChatLog, show: Callable[[ChatMessage], None]) -> None:
    """Keep what the bot writes in ``log``; runs until it is cancelled."""
    reader = stage.backstage.written_by_bot(time.monotonic, bot_name)
    while True:
        for message in reader.new():
            log.add(message)
            show(message)
        await asyncio.sleep(POLL_S)
