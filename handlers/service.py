"""About Parley itself: ``/help``, ``/ping``, ``/stats``, ``/logs`` and ``/restart``."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final

from telethon.errors import RPCError
from telethon.tl.functions import PingRequest

from handlers.call_info import duration
from handlers.command import Authority, Command, CommandTable, Request, WrongArguments
from handlers.dispatch import usage
from handlers.services import Services
from logs import recent_lines

FAMILY: Final = "service"
LOG_LINES: Final = 30
MOST_LOG_LINES: Final = 200
MOST_CHARACTERS: Final = 3900
RESTART_AFTER_S: Final = 1.0
"""Time for the answer to be sent."""


class ServiceCommands:
    """``table`` gives every command there is, for ``/help``."""

    def __init__(self, services: Services, table: Callable[[], CommandTable]) -> None:
        self._services = services
        self._table = table
        self._started_s = time.monotonic()

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        member, sudo, owner = Authority.MEMBER, Authority.SUDO, Authority.OWNER
        command = partial(Command, family=FAMILY, in_private=True)
        yield command(
            name="help", authority=member, usage="/help [COMMAND]", example="/help joincall", answer=self.help, aliases=("commands",)
        )
        yield command(name="ping", authority=member, usage="/ping", answer=self.ping)
        yield command(name="stats", authority=sudo, usage="/stats", answer=self.stats)
        yield command(name="logs", authority=sudo, usage="/logs [LINES]", example="/logs 50", answer=self.logs, cost=3)
        yield command(name="restart", authority=owner, usage="/restart", answer=self.restart, cost=10, destructive=True, urgent=True)

    async def help(self, request: Request) -> str:
        """What may be asked for: all of it in short, or one command in full."""
        name = request.arguments.lstrip("/.!").lower()
        return self._short_list(request) if not name else self._in_full(request, name)

    def _short_list(self, request: Request) -> str:
        allowed = [command for command in self._table() if command.authority <= request.authority]
        lines = [request.say("help_list.title")]
        for family, commands in groupby(allowed, key=lambda command: command.family):
            names = " ".join(f"/{command.name}" for command in commands)
            lines.append(f"{request.say(f'family.{family}')}: {names}")
        begin = "help_list.start" if request.authority >= Authority.CALL_MANAGER else "help_list.ask"
        return "\n".join([*lines, request.say("help_list.hint"), request.say(begin)])

    def _in_full(self, request: Request, name: str) -> str:
        command = self._table().find(name)
        if command is None:
            raise WrongArguments(request.say("help_list.unknown", name=name[:40]))
        others = ", ".join(f"/{alias}" for alias in command.aliases)
        lines = [request.say(command.help_key), usage(request.language, command)]
        lines += [request.say("help_list.also", names=others)] if others else []
        return "\n".join([*lines, request.say("help_list.who", who=request.say(f"who.{command.authority.name.lower()}"))])

    async def ping(self, request: Request) -> str:
        """How far Telegram is."""
        began_s = time.perf_counter()
        try:
            await self._services.client(PingRequest(ping_id=random.getrandbits(63)))
        except (RPCError, ConnectionError):
            return request.say("join.not_connected")
        return request.say("ping", milliseconds=round((time.perf_counter() - began_s) * 1000))

    async def stats(self, request: Request) -> str:
        """How the program does."""
        services = self._services
        return request.say(
            "stats",
            uptime=duration(time.monotonic() - self._started_s),
            calls=len(services.manager.active),
            most=services.settings.max_concurrent_calls,
            memory=_memory_mb(),
            load=f"{os.getloadavg()[0]:.1f}",
            database=f"{services.database.path.stat().st_size / 1e6:.1f}",
            framework=services.framework,
        )

    async def logs(self, request: Request) -> str:
        """The newest lines of the log, for private chats only."""
        if not request.is_private:
            return request.say("logs.private_only")
        count = request.arguments or str(LOG_LINES)
        if not (count.isascii() and count.isdigit() and 1 <= int(count[:6]) <= MOST_LOG_LINES):
            raise WrongArguments(request.say("logs.count", most=MOST_LOG_LINES))
        return "\n".join(recent_lines(int(count)))[-MOST_CHARACTERS:] or request.say("logs.empty")

    async def restart(self, request: Request) -> str:
        """End the program; whoever supervises it starts it again."""
        asyncio.get_running_loop().call_later(RESTART_AFTER_S, self._services.restart)
        return request.say("restarting")


def _memory_mb() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")), 0)
