"""The tasks of one conversation: all end with it, and one that fails ends no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from engines import Trouble, listen_to_troubles

log = logging.getLogger(__name__)


class GuardedTasks:
    """``on_trouble`` is told when an engine that a task uses was asked again or replaced. Nothing runs before :meth:`run`."""

    def __init__(self, chat_id: int, on_trouble: Callable[[Trouble], None]) -> None:
        self._chat_id = chat_id
        self._on_trouble = on_trouble
        self._group = asyncio.TaskGroup()

    async def run(self, *beside: Coroutine[None, None, None], until: Coroutine[None, None, None]) -> None:
        """Do everything at once until cancelled, and with it all that is started in the meantime."""
        async with self._group:
            for work in beside:
                self.spawn(work)
            await until

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start it beside the others; if it fails, that is logged."""
        task = self._group.create_task(self._guarded(work))
        task.add_done_callback(lambda _task: work.close())
        return task

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        listen_to_troubles(self._on_trouble)
        try:
            await work
        except Exception:
            log.exception("a task of the conversation failed", extra={"chat_id": self._chat_id})
