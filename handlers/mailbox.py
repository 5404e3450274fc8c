"""One mailbox per chat: what is asked in a chat is done in order, while chats do not wait for each other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import drops
from drops import Drop

log = logging.getLogger(__name__)

MOST_WAITING: Final = 8
"""More commands than this waiting in one chat are not obeyed."""

Job = Callable[[], Awaitable[None]]


class Mailboxes:
    """A task per chat that has something to do; it ends when its mailbox is empty."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._waiting: dict[int, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = 0

    def post(self, chat_id: int, job: Job) -> bool:
        """Put a job into the mailbox of a chat; false if it is full."""
        waiting = self._waiting.get(chat_id)
        if waiting is None:
            waiting = self._waiting[chat_id] = deque()
            task = asyncio.create_task(self._empty(chat_id, waiting), name=f"mailbox of chat {chat_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(waiting) >= self._most_waiting:
            self.refused += 1
            drops.note(Drop.COMMANDS)
            return False
        waiting.append(job)
        return True

    async def _empty(self, chat_id: int, waiting: deque[Job]) -> None:
        try:
            while waiting:
                try:
                    await waiting.popleft()()
                except Exception:
                    log.exception("a command in chat %s failed", chat_id)
        finally:
            del self._waiting[chat_id]

    async def empty(self) -> None:
        """Wait until all jobs are done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """Stop what is being done and forget the rest."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
