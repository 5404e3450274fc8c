"""``bot.py run`` as it is in production, supervisor and all, against a loopback Telegram with real media."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from loopback.media.server import MediaServer
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.mailbox import Message
from tests.secret_watch import watch

ROOT = Path(__file__).resolve().parents[2]
BACK_WITHIN_S = 60.0
READY_WITHIN_S = 120.0
READY = "Parley is ready"
CHECKED_WITHIN_S = 4.0
"""Somebody whose media connection has checked itself so lately is in the call; it does so every second at first, then every 2.5 s."""
CALLS_LAST_S = 10.5
"""Before something happens to them; joins right before a restart delay those after it."""


async def until(condition: Callable[[], object], what: str, within_s: float = BACK_WITHIN_S, log: Callable[[], str] = str) -> float:
    """Wait; how long it took. If it was in vain, ``log()`` is told as well."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - what is waited for does not tell
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what}\n{log()}") from None
    return time.monotonic() - began_s


class RunningBot:
    """One ``bot.py run``. ``pid`` is the supervisor's."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, environment: dict[str, str], folder: Path) -> RunningBot:
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, str(ROOT / "loopback" / "rehearsal" / "die_with_parent.py"), str(os.getpid())),
                *(sys.executable, str(ROOT / "bot.py"), "run"),
                cwd=folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip())
            watch(line, "bot.py run")

    @property
    def child(self) -> int:
        """The process id of the bot itself."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def said(self, text: str) -> int:
        """In how many lines of the log this is."""
        return sum(text in line for line in self.lines)

    async def ready(self, times: int = 1) -> float:
        """Wait until it is at work, for the ``times``-th time."""

        def is_ready() -> bool:
            assert self.process.returncode is None, self.log()
            return self.said(READY) >= times

        return await until(is_ready, "the bot is ready\n" + self.log(), READY_WITHIN_S)

    def send(self, number: signal.Signals) -> None:
        """Signal the supervisor."""
        self.process.send_signal(number)

    async def ended(self, within_s: float = BACK_WITHIN_S) -> int:
        """Wait for its end; the exit code."""
        async with asyncio.timeout(within_s):
            code = await self.process.wait()
            await self._reader
        return code

    async def kill(self) -> None:
        """End it the hard way, if it has not ended."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    def log(self) -> str:
        return "\n".join(self.lines)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass
class Town:
    """A Telegram with some groups, in each a voice chat with an extra in it; Ann may manage all of them, and Parley may be started."""

    telegram: LoopbackTelegram
    media: MediaServer
    ann: Account
    parley: Account
    groups: list[Chat]
    folder: Path
    environment: dict[str, str]
    bots: list[RunningBot] = field(default_factory=list)

    async def start_bot(self, **settings: str) -> RunningBot:
        bot = await RunningBot.start(self.environment | settings, self.folder)
        self.bots.append(bot)
        return bot

    async def join_everywhere(self) -> None:
        """Have Parley join each voice chat by command."""
        for group in self.groups:
            self.telegram.say(group, self.ann, "/joincall")
        await self.all_in({}, "Parley is in every call")
        await asyncio.sleep(CALLS_LAST_S)

    async def all_in(self, before: dict[int, int], what: str) -> float:
        """Wait until Parley is in every call with its media connected, not in its place of ``before``; how long that took."""
        return await until(lambda: all(self._is_in(group, before) for group in self.groups), what, log=self.bots[-1].log)

    def _is_in(self, group: Chat, before: dict[int, int]) -> bool:
        call = self.telegram.voice_chat(group)
        place = call.participants.get(self.parley.id)
        if place is None or place.source == before.get(group.id):
            return False
        silent_s = self.media.silent_for_s(call.id, self.parley.id)
        return silent_s is not None and silent_s < CHECKED_WITHIN_S

    def places(self) -> dict[int, int]:
        """Parley's sound source in each call; a call that is joined anew gets another one."""
        found = {}
        for group in self.groups:
            place = self.telegram.voice_chat(group).participants.get(self.parley.id)
            if place is not None:
                found[group.id] = place.source
        return found

    def in_calls(self) -> int:
        """In how many voice chats Telegram lists Parley."""
        return sum(self.parley in self.telegram.in_voice_chat(group) for group in self.groups)

    def replies_to(self, group: Chat, message: Message) -> list[str]:
        written = [each for each in self.telegram.messages(group) if each.content.sender is self.parley]
        return [each.content.text for each in written if each.reply_to == message.id]

    async def answered_once(self, group: Chat, message: Message, within_s: float = BACK_WITHIN_S, settle_s: float = 4.0) -> str:
        """The one reply to a command, which no second follows."""
        await until(lambda: self.replies_to(group, message), f"{message.content.text} is answered", within_s, self.bots[-1].log)
        await asyncio.sleep(settle_s)
        replies = self.replies_to(group, message)
        assert len(replies) == 1, replies
        return replies[0]

    def joins(self) -> int:
        """How many join requests Parley has sent so far."""
        return len(self.telegram.seen("phone.JoinGroupCall", self.parley))


@asynccontextmanager
async def a_town(groups: int) -> AsyncIterator[Town]:
    media = MediaServer()
    with TemporaryDirectory(prefix="parley-survival-") as name:
        async with LoopbackTelegram(media) as telegram:
            ann, eve, parley = (telegram.add_account(name) for name in ("Ann", "Eve", "Parley"))
            chats = [telegram.add_group(f"Club {number}", ann, members=[eve, parley]) for number in range(groups)]
            for chat in chats:
                telegram.start_voice_chat(chat, ann)
                telegram.enter_voice_chat(chat, eve)
            folder = Path(name)
            plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "MODELS_DIR") if name in os.environ}
            environment = plain | {
                "API_ID": "1",
                "API_HASH": "0" * 32,
                "TELEGRAM_SESSION": telegram.session_for(parley),
                "DATA_DIR": str(folder / "data"),
                "CONTROL_SOCKET": "none",
                "HTTP_PORT": "0",
                "PYTHONUNBUFFERED": "1",
                "PYTHONIOENCODING": "utf-8",
            }
            town = Town(telegram, media, ann, parley, chats, folder, environment)
            try:
                yield town
                assert telegram.problems() == []
            finally:
                for bot in town.bots:
                    await bot.kill()
