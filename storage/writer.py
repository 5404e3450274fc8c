"""Writes what others only note: they never wait for the disk, and a disk that fails costs them nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import drops
from drops import Drop
from storage.errors import Problem, StorageError

log = logging.getLogger(__name__)

MOST_WAITING: Final = 1000
"""Writes that wait for a disk that is slow, full or read-only; more are dropped and counted."""
RETRY_S: Final = 10.0

Write = Callable[[], Awaitable[object]]


class Writer:
    """:meth:`note` what is to be written, and let :meth:`run` write it in that order.

    While the disk is full or cannot be written, writes wait and are tried again every ``retry_s``. Each trouble is told once: to the
    log and to ``tell``. What is dropped counts as ``what``.
    """

    def __init__(
        self, tell: Callable[[StorageError], None] = lambda error: None, retry_s: float = RETRY_S, what: Drop = Drop.STORED_EVENTS
    ) -> None:
        self._tell = tell
        self._retry_s = retry_s
        self._waiting: asyncio.Queue[Write] = asyncio.Queue(MOST_WAITING)
        self._hurry = asyncio.Event()
        self._trouble: Problem | None = None
        self._what = what
        self.dropped = 0

    def note(self, write: Write) -> bool:
        """Take a write; False: too many wait already."""
        if self._waiting.full():
            self._drop(1)
            return False
        self._waiting.put_nowait(write)
        return True

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            write = await self._waiting.get()
            try:
                await self._write(write)
            finally:
                self._waiting.task_done()

    async def drained(self) -> None:
        """Wait until all that was taken is written, or dropped where it cannot be now; :meth:`run` must be running."""
        self._hurry.set()
        await self._waiting.join()
        self._hurry.clear()

    async def _write(self, write: Write) -> None:
        while True:
            try:
                await write()
            except StorageError as error:
                if await self._is_given_up(error):
                    return
            except Exception:
                log.exception("something was not stored")
                self._drop(1)
                return
            else:
                self._mended()
                return

    async def _is_given_up(self, error: StorageError) -> bool:
        """Say what is wrong, unless it is known; then drop the write, or wait until it is worth another try."""
        if self._trouble is not error.problem:
            self._trouble = error.problem
            log.error("What happens now is not stored: %s", error)
            self._tell(error)
        if not error.problem.may_pass:
            self._drop(1)
            return True
        if self._hurry.is_set():
            self._drop(1 + self._drop_waiting())
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._retry_s)
        return False

    def _drop(self, number: int) -> None:
        self.dropped += number
        drops.note(self._what, number)

    def _mended(self) -> None:
        if self._trouble:
            log.warning("What happens is stored again; %d things were not.", self.dropped)
            self._trouble = None

    def _drop_waiting(self) -> int:
        count = self._waiting.qsize()
        for _ in range(count):
            self._waiting.get_nowait()
            self._waiting.task_done()
        return count
