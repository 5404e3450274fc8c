"""The bot as a child process, started as in production, watched, and ended together with all its children.

If this process is killed so hard that it can't end the bot, the kernel does (:mod:`loopback.rehearsal.die_with_parent`), and the bot's
children end with the pipes they read.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from errors import ParleyError
from loopback.rehearsal.process_tree import descendants, is_alive, kill

READY: Final = "✅ Telethon client started successfully"
STOP_TIME_OUT_S: Final = 12.0
"""Parley takes up to ten seconds to say good-bye in its calls."""
DIE_WITH_PARENT: Final = Path(__file__).with_name("die_with_parent.py")
LAST_LINES: Final = 15
POLL_S: Final = 0.02


class BotFailed(ParleyError):
    """The bot did not start, or ended in the middle of the rehearsal; its last words are part of the text."""


class BotProcess:
    """Starts ``command`` in a session of its own on entry; on exit it and whatever it started have ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, lines: deque[str] | None = None) -> None:
        self._command = command
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.ready_count = 0
        self.lines: deque[str] = deque(maxlen=400) if lines is None else lines

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(DIE_WITH_PARENT), str(os.getpid())),
            *self._command,
            env=dict(self._environment),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it: SIGTERM lets it do so by itself; whatever is left then is killed."""
        assert self._process is not None
        assert self._reader is not None
        family = self._family()
        try:
            if number is signal.SIGTERM:
                await self.stop()
        finally:
            await self._kill_all(self._process, family | self._family())
            self._reader.cancel()

    def _family(self) -> set[int]:
        """It and all its children, whatever group they are in."""
        assert self._process is not None
        return set(descendants(self._process.pid)) if self._process.returncode is None else set()

    async def _kill_all(self, process: asyncio.subprocess.Process, family: set[int]) -> None:
        left = [pid for pid in family if is_alive(pid)]
        self._signal(signal.SIGKILL)
        for pid in left:
            kill(pid)
        await process.wait()
        while any(is_alive(pid) for pid in left):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its process group."""
        assert self._process is not None
        return self._process.pid

    async def ready(self, within_s: float, *, times: int = 1) -> None:
        """Wait until the bot has said, ``times`` times since it was started, that it is connected to Telegram.

        :raises BotFailed: it ended first, or took longer than ``within_s``.
        """
        ready, ended = asyncio.create_task(self._says_ready(times)), asyncio.create_task(self.ended())
        done, waiting = await asyncio.wait({ready, ended}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if ended in done:
            ended.result()
        if ready not in done:
            raise BotFailed(f"The bot was not ready within {within_s:g} s.{self.last_words()}")

    async def _says_ready(self, times: int) -> None:
        while self.ready_count < times:
            self._changed.clear()
            await self._changed.wait()

    async def until_ended(self) -> None:
        """Wait for its end, whatever the reason."""
        assert self._process is not None
        await self._process.wait()

    async def ended(self) -> None:
        """Wait for the bot to end by itself, which it should not.

        :raises BotFailed: always.
        """
        assert self._process is not None
        assert self._reader is not None
        code = await self._process.wait()
        await asyncio.wait({self._reader}, timeout=1.0)
        raise BotFailed(f"The bot ended with {_outcome(code)}.{self.last_words()}")

    async def stop(self) -> None:
        """Ask the bot to end, and make it end if it does not."""
        assert self._process is not None
        if self._process.returncode is None:
            self._signal(signal.SIGTERM, group=False)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIME_OUT_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)

    def last_words(self) -> str:
        """The end of its output, as a paragraph of its own."""
        last = list(self.lines)[-LAST_LINES:]
        return " Its last lines:\n" + "\n".join(f"  {line}" for line in last) + "\n" if last else " It printed nothing."

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            self.lines.append(text)
            if READY in text:
                self.ready_count += 1
                self._changed.set()

    def _signal(self, number: signal.Signals, *, group: bool = True) -> None:
        assert self._process is not None
        try:
            (os.killpg if group else os.kill)(self._process.pid, number)
        except ProcessLookupError:
            return


def _outcome(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
