"""The bot over several lives of its process: started, ended, crashed and started again, always in the same folder."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from loopback.rehearsal.bot_process import BotFailed, BotProcess
from loopback.rehearsal.process_tree import descendants, has_mapped

START_TIME_OUT_S: Final = 120.0
POLL_S: Final = 0.02
CALL_LIBRARY: Final = "ntgcalls"
"""A process that has this mapped is the one that is in the calls."""


class BotLives:
    """Starts the bot on entry; on exit it has ended, with all its children. Linux only where it crashes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._command = command
        self._environment = environment
        self._folder = folder
        self._process: BotProcess | None = None
        self._ready_before_crash = 0
        self.lines: deque[str] = deque(maxlen=4000)

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def ready(self, within_s: float = START_TIME_OUT_S) -> None:
        """Wait until the bot is connected to Telegram.

        :raises BotFailed: it ended first, or took longer than ``within_s``.
        """
        await self._running().ready(within_s)

    async def watch(self) -> None:
        """Wait for the bot to end without having been told to.

        :raises BotFailed: always.
        """
        while True:
            process = self._process
            if process is not None:
                await process.until_ended()
                if self._process is process:
                    await process.ended()
            await asyncio.sleep(POLL_S)

    async def stop(self, signal_name: str = "SIGTERM") -> None:
        """End it: SIGTERM goes to its first process, SIGKILL to all of them."""
        await self._end(signal.Signals[signal_name])

    async def start(self) -> None:
        """Start it again.

        :raises BotFailed: it did not become ready.
        """
        await self._begin()
        await self.ready()

    def crash(self, signal_name: str) -> None:
        """Send a signal to that process of it which is in the calls.

        :raises BotFailed: there is none.
        """
        process = self._running()
        pids = [pid for pid in descendants(process.pid) if has_mapped(pid, CALL_LIBRARY)]
        if not pids:
            raise BotFailed(f"No process of the bot has the call library loaded.{process.last_words()}")
        self._ready_before_crash = process.ready_count
        os.kill(pids[0], signal.Signals[signal_name])

    async def ready_again(self, within_s: float) -> None:
        """Wait until it says once more, after the last crash, that it is connected.

        :raises BotFailed: it does not within ``within_s``.
        """
        process = self._running()
        await process.ready(within_s, times=self._ready_before_crash + 1)

    async def _begin(self) -> None:
        process = BotProcess(self._command, self._environment, self._folder, self.lines)
        await process.__aenter__()
        self._process, self._ready_before_crash = process, 0

    async def _end(self, number: signal.Signals = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end(number)

    def _running(self) -> BotProcess:
        if self._process is None:
            raise BotFailed("The bot does not run.", "A step `start_bot` starts it.")
        return self._process
