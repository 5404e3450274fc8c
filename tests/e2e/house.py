"""The whole of Parley, as ``bot.py run`` puts it together, on the loopback Telegram: only its speech engines and its brain are scripted.

Several of them live in one process, each with an account, a group and an admin of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from calls.drafting import Engines
from calls.manager import CallManager
from calls.telegram.client import TelegramAccount
from config import Settings
from handlers.wording import say
from heartbeat import Heart
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.mailbox import Message
from service import all_calls
from service import engines as engine_room
from service.serve import serve
from storage.database import FILE_NAME
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice

READY_WITHIN_S = 60.0
JOINING = "phone.JoinGroupCall"
WAITS = "⏳"
"""A reply that begins so is replaced when the command is done."""


@asynccontextmanager
async def scripted_engines(_settings: Settings) -> AsyncIterator[Engines]:
    yield Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait for what happens soon: ``within_s`` is long enough for a machine that is busy with other tests."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for does not tell
            await asyncio.sleep(0.02)


class ReadyHeart(Heart):
    """Knows when the bot is at work."""

    is_ready = False

    def ready(self) -> None:
        self.is_ready = True


@dataclass
class House:
    """One Parley, its group, and Ann, who may give it every command there."""

    telegram: LoopbackTelegram
    group: Chat
    ann: Account
    parley: Account
    folder: Path
    settings: Settings
    managers: list[CallManager] = field(default_factory=list)
    accounts: list[TelegramAccount] = field(default_factory=list)
    _serving: asyncio.Task[int] = field(init=False)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Parley runs inside, and is ready when it begins."""
        heart = ReadyHeart()
        self._serving = asyncio.create_task(serve(self.settings, heart))
        try:
            await until(lambda: self._serving.done() or heart.is_ready, READY_WITHIN_S)
            yield
        finally:
            self._serving.cancel()
            await asyncio.wait({self._serving})

    @property
    def at_work_still(self) -> bool:
        return not self._serving.done()

    async def ended(self, within_s: float) -> BaseException | None:
        """The error with which it ends by itself."""
        await asyncio.wait({self._serving}, timeout=within_s)
        assert self._serving.done(), "it goes on"
        error = self._serving.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return error

    @property
    def chat_id(self) -> int:
        return self.group.dialog_id

    @property
    def manager(self) -> CallManager:
        return self.managers[-1]

    # ---- what people do and see

    def say(self, text: str) -> Message:
        """Ann writes something."""
        return self.telegram.say(self.group, self.ann, text)

    async def ask(self, text: str, within_s: float = 60.0) -> str:
        """What is replied to a command of Ann's in the end."""
        asked = self.say(text)
        await until(lambda: any(not reply.startswith(WAITS) for reply in self.replies_to(asked)), within_s)
        return self.replies_to(asked)[0]

    async def unanswered(self, text: str, for_s: float = 1.5) -> bool:
        asked = self.say(text)
        await asyncio.sleep(for_s)
        return not self.replies_to(asked)

    def replies_to(self, message: Message) -> list[str]:
        return [each.content.text for each in self._written() if each.reply_to == message.id]

    def notices(self) -> list[str]:
        """What Parley has written into the group unasked."""
        return [each.content.text for each in self._written() if each.reply_to is None]

    def to_owner(self) -> list[str]:
        """What the account has written to itself."""
        return [each.content.text for each in self.telegram.messages(self.parley)]

    def _written(self) -> list[Message]:
        return [each for each in self.telegram.messages(self.group) if each.content.sender is self.parley and each.content.text]

    # ---- what was asked of Telegram

    def requests(self, method: str = JOINING) -> int:
        """How often Parley has sent requests that fit."""
        return len(self.telegram.seen(method, self.parley))

    # ---- how it stands

    @property
    def in_call(self) -> bool:
        return self.parley in self.telegram.in_voice_chat(self.group)

    def stored(self, query: str) -> list[Any]:
        """What the database holds, read beside Parley."""
        with closing(sqlite3.connect(self.folder / FILE_NAME)) as database:
            return database.execute(query).fetchall()

    def wanted(self) -> bool:
        return bool(self.stored(f"SELECT 1 FROM wanted_calls WHERE chat_id = {self.chat_id}"))

    def disabled(self) -> bool:
        return bool(self.stored(f"SELECT 1 FROM chats WHERE chat_id = {self.chat_id} AND disabled_reason != ''"))

    async def clean(self) -> None:
        """Nothing of a call is left: not at Telegram, not in the manager, no task, no voice chat made by accident, nor is any wanted."""
        await until(lambda: not self.in_call and not self.manager.active and not self._tasks_of_calls())
        await until(lambda: not self.wanted())
        assert self.requests("phone.CreateGroupCall") == 0

    def _tasks_of_calls(self) -> list[str]:
        names = [task.get_name() for task in asyncio.all_tasks() if str(self.chat_id) in task.get_name()]
        return [name for name in names if name.startswith(("call", "joining", "line"))]


def told(key: str, **fields: object) -> str:
    """A text of the catalogues."""
    return say("en", key, **fields)


class Builders:
    """Lets every house keep what the service makes for it, for tests to look at. For processes that do nothing else."""

    def __init__(self) -> None:
        self.houses: dict[int, House] = {}

    def install(self) -> None:
        houses, connect = self.houses, TelegramAccount.connect

        async def connected(settings: Settings, timeout_s: float = 30.0) -> TelegramAccount:
            account = await connect(settings, timeout_s)
            houses[account.id].accounts.append(account)
            return account

        class KnownManager(CallManager):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                for house in houses.values():
                    if house.accounts and house.accounts[-1].gates is options["gates"]:
                        house.managers.append(self)

        mock.patch.object(engine_room, "loaded", scripted_engines).start()
        mock.patch.object(all_calls, "CallManager", KnownManager).start()
        mock.patch.object(TelegramAccount, "connect", connected).start()
