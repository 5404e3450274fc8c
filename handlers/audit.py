"""Keeps who told Parley to do what, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from handlers.command import Command, Request
from storage import audit
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


class AuditTrail:
    """One row for each command; a database that cannot be written costs the row, and never the command. ``clock`` is the time of day."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request, command: Command, result: str) -> None:
        """Keep what became of a command."""
        row = audit.AuditRow(self._clock(), request.chat_id, request.sender_id, command.name, request.arguments, result)
        try:
            await audit.add(self._database, row)
        except StorageError as error:
            log.warning("what /%s did is not kept: %s", command.name, error, extra={"chat_id": request.chat_id})
