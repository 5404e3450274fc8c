"""Keeps who told Parley to do what, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from drops import Drop
from handlers.command import Command, Request
from storage import audit
from storage.database import Database
from storage.writer import Writer

log = logging.getLogger(__name__)


class AuditTrail:
    """One row for each command, written by :meth:`run`: a disk that is slow or fails never holds up a command, and while it is full the
    rows wait. ``clock`` is the time of day."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._writer = Writer(what=Drop.STORED_COMMANDS)

    async def __call__(self, request: Request, command: Command, result: str) -> None:
        """Keep what became of a command."""
        row = audit.AuditRow(self._clock(), request.chat_id, request.sender_id, command.name, request.arguments, result)
        if not self._writer.note(partial(audit.add, self._database, row)):
            log.warning("what /%s did is not kept: too much waits for the disk", command.name, extra={"chat_id": request.chat_id})

    async def run(self) -> None:
        """Write until cancelled."""
        await self._writer.run()

    async def drained(self) -> None:
        """Wait until all that happened is written, or cannot be; :meth:`run` must be running."""
        await self._writer.drained()
