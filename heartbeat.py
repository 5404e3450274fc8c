"""The sign of life that the bot gives its supervisor: a byte now and then, from the event loop, through a pipe.

A dead lock stops it by itself, whichever thread holds the event loop up. Native code that is stuck without doing that is found by
asking it something, and then the beats are kept back.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 0.5
ALIVE: Final = b"."
READY: Final = b"!"
"""Sent once, when the bot is at work."""
STUCK_AFTER_BEATS: Final = 40
"""20 s. The call library itself gives a connection up after 10 s, and may answer nothing else meanwhile."""
PR_SET_PDEATHSIG: Final = 1
"""Of prctl(2)."""

Probe = Callable[[], Awaitable[object]]
"""Asks a part something that it answers at once as long as it lives. What it raises counts as an answer."""


@dataclass(slots=True)
class _Watched:
    name: str
    probe: Probe
    asking: asyncio.Task[None] | None = None
    beats: int = 0

    def is_stuck(self) -> bool:
        """Ask again if the last answer has come; whether one is long overdue. Called once a beat."""
        if self.asking is None or self.asking.done():
            self.asking, self.beats = asyncio.create_task(self._ask(), name=f"does {self.name} live"), 0
        self.beats += 1
        return self.beats > STUCK_AFTER_BEATS

    async def _ask(self) -> None:
        with contextlib.suppress(Exception):
            await self.probe()


class Heart:
    """Beats into the pipe ``fd`` inside :meth:`beating`; without one, nowhere."""

    def __init__(self, fd: int | None = None) -> None:
        self._fd = fd
        self._watched: list[_Watched] = []
        self._stuck: str | None = None
        if fd is not None:
            os.set_inheritable(fd, False)
            os.set_blocking(fd, False)

    def watch(self, name: str, probe: Probe) -> None:
        """No beats any more once this part has stopped answering."""
        self._watched.append(_Watched(name, probe))

    def ready(self) -> None:
        """The bot is at work now."""
        self._send(READY)

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat as long as the event loop turns."""
        task = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _beat(self) -> None:
        while self._fd is not None:
            if self._all_answer():
                self._send(ALIVE)
            await asyncio.sleep(BEAT_EVERY_S)

    def _all_answer(self) -> bool:
        stuck = next((watched.name for watched in self._watched if watched.is_stuck()), None)
        if stuck and stuck != self._stuck:
            log.critical("%s does not answer any more.", stuck)
        self._stuck = stuck
        return stuck is None

    def _send(self, sign: bytes) -> None:
        if self._fd is None:
            return
        try:
            os.write(self._fd, sign)
        except BlockingIOError:
            return
        except OSError:
            self._fd = None
            log.warning("The supervisor is gone: Parley stops.")
            os.kill(os.getpid(), signal.SIGTERM)


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends, however that comes about, where the kernel can (Linux).

    Ends the process at once if the parent is gone already. Elsewhere the next beat notices.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
