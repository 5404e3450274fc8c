"""A whole Parley in this process, on the loopback Telegram: everything that ``bot.py run`` starts, with engines that a test scripts.

It places real calls: its scenarios run in processes of their own (see ``tests.call_process``).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calls.drafting import Engines
from config import Settings, load_settings
from loopback.media.server import MediaServer
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from service import engines as engine_room
from service.serve import serve
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.e2e.house import READY_WITHIN_S, WAITS, ReadyHeart


def scripted_engines() -> Engines:
    return Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())


@dataclass
class Scene:
    """Ann founded the Book club, Bob and Carol are members, and so is Parley."""

    telegram: LoopbackTelegram
    group: Chat
    ann: Account
    bob: Account
    carol: Account
    parley: Account
    settings: Settings
    engines: Engines = field(default_factory=scripted_engines)

    @property
    def chat_id(self) -> int:
        return self.group.dialog_id

    @property
    def is_in(self) -> bool:
        """Whether Parley is in the voice chat, as the server sees it."""
        return self.parley in self.telegram.in_voice_chat(self.group)

    async def until(self, condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
        """What ``condition`` gives as soon as that is true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := condition()):  # noqa: ASYNC110 - the world does not tell
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {timeout_s} s; Parley wrote {self.told}") from None
        return found

    @property
    def told(self) -> list[str]:
        """All that Parley has written into the group."""
        return self.telegram.texts(self.group, self.parley)

    async def command(self, text: str, by: Account | None = None) -> str:
        """Parley's reply to a command of Ann's, once it tells the outcome."""
        sent = self.telegram.say(self.group, by or self.ann, text)
        replies = lambda: [  # noqa: E731
            message.content.text
            for message in self.telegram.messages(self.group)
            if message.reply_to == sent.id and message.content.sender is self.parley and not message.content.text.startswith(WAITS)
        ]
        return str((await self.until(replies))[-1])

    async def command_until(self, text: str, fits: Callable[[str], bool]) -> str:
        """Parley's reply to a command that is given again every second, until the reply fits."""
        for _ in range(15):
            if fits(reply := await self.command(text)):
                return reply
            await asyncio.sleep(1.0)
        raise AssertionError(f"{text} is still answered with {reply}")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Parley at work."""
        heart = ReadyHeart()
        work = asyncio.create_task(serve(self.settings, heart))
        try:
            await self.until(lambda: work.done() or heart.is_ready, READY_WITHIN_S)
            yield
        finally:
            if not work.done():
                signal.raise_signal(signal.SIGTERM)
            assert await asyncio.wait_for(work, 60) == 0


@contextlib.asynccontextmanager
async def scene(folder: str | Path, engines: Engines | None = None, **settings: Any) -> AsyncIterator[Scene]:
    """A scene; ``folder`` holds what Parley keeps."""
    async with LoopbackTelegram(MediaServer(), settings=LoopbackSettings(natural_floods=False)) as telegram:
        ann, bob, carol = (telegram.add_account(name) for name in ("Ann", "Bob", "Carol"))
        parley = telegram.add_account("Parley", username="parley")
        group = telegram.add_group("Book club", ann, members=[bob, carol, parley])
        own = {"telegram_session": telegram.session_for(parley), "api_id": 1, "api_hash": "0" * 32, "data_dir": Path(folder)}
        made = Scene(telegram, group, ann, bob, carol, parley, load_settings(None, **(own | settings)))
        made.engines = engines or made.engines
        engine_room.loaded = lambda _settings: contextlib.nullcontext(made.engines)  # type: ignore[assignment,return-value]
        yield made
        assert telegram.problems() == []
