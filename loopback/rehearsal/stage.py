"""The people of a rehearsal and their group, on a loopback Telegram; and the bot's place in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from loopback.media.server import MediaServer
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from loopback.rehearsal.cast import ChatLog, ChatMessage
from loopback.rehearsal.script import Script
from loopback.telegram import LoopbackTelegram

POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class PersonActor:
    """A person of the loopback Telegram as an :class:`~loopback.rehearsal.cast.Actor` in one group."""

    person: Person
    chat_id: int
    bot_id: int

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
        return self.person.ear_of(self.bot_id)

    async def type(self, text: str) -> None:
        """Write a message into the group."""
        await self.person.type(self.chat_id, text)

    async def start_voice_chat(self) -> None:
        """Start the voice chat of the group."""
        await self.person.start_voice_chat(self.chat_id)

    async def join_call(self) -> None:
        """Join the voice chat."""
        await self.person.join_call(self.chat_id)

    async def leave_call(self) -> None:
        """Leave the voice chat."""
        await self.person.leave_call()

    async def speak(self, pcm: bytes) -> Spoken:
        """Say ``pcm`` (24 kHz) in real time."""
        return await self.person.speak(pcm)


@dataclass(frozen=True, slots=True)
class Stage:
    """The people by name, and the session with which the bot becomes a member of their group.

    ``problems`` tells what went wrong in the loopback Telegram itself so far.
    """

    actors: dict[str, PersonActor]
    bot_session: str
    bot_id: int
    problems: Callable[[], list[str]] = list


@asynccontextmanager
async def open_stage(script: Script, bot_name: str) -> AsyncIterator[Stage]:
    """A running loopback Telegram with the script's people online in their group; on exit all of them leave their calls.

    The group belongs to somebody who never appears, so that nobody has more rights than the script gives.
    """
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(LoopbackTelegram(MediaServer()))
        pacer = await stack.enter_async_context(Pacer())
        bot, owner = telegram.add_account(bot_name), telegram.add_account("Olivia")
        accounts = {name: telegram.add_account(name) for name in script.people}
        admins = [accounts[name] for name, person in script.people.items() if person.rights == "admin"]
        group = telegram.add_group(script.chat, owner, admins, [bot, *(account for account in accounts.values() if account not in admins)])
        actors = {}
        for name, account in accounts.items():
            person = Person(name, telegram.session_for(account), pacer)
            stack.push_async_callback(person.disconnect)
            await person.connect()
            actors[name] = PersonActor(person, group.dialog_id, bot.id)
        yield Stage(actors, telegram.session_for(bot), bot.id, telegram.problems)


async def read_along(stage: Stage, bot_name: str, chat: ChatLog, show: Callable[[ChatMessage], None]) -> None:
    """Keep what the bot writes, as the first person reads it, in ``chat``; runs until it is cancelled."""
    inbox = next(iter(stage.actors.values())).person.inbox
    newest_s = 0.0
    while True:
        for letter in [letter for letter in inbox.letters if letter.at_s > newest_s]:
            newest_s = letter.at_s
            if letter.sender_id == stage.bot_id:
                message = ChatMessage(letter.at_s, bot_name, letter.text, from_bot=True)
                chat.add(message)
                show(message)
        await asyncio.sleep(POLL_S)
