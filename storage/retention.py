"""Nothing is kept longer than the settings say."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage import appointments, audit, transcripts
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

DAY_S: Final = 86400.0
EVERY_S: Final = 3600.0
LEAST_DAYS_OF_COPIES: Final = 7


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days things are kept. What an upgrade or a restoration has put aside is kept like transcripts, but at least a week."""

    transcript_days: int
    audit_days: int


async def purge(database: Database, retention: Retention, now: float) -> int:
    """Delete what is too old at ``now`` (seconds since the epoch), from the disk too; returns how many lines and rows that were.

    :raises storage.errors.StorageError: it could not be deleted.
    """
    lines = await transcripts.purge_older(database, now - retention.transcript_days * DAY_S)
    rows = await audit.purge_older(database, now - retention.audit_days * DAY_S)
    rows += await appointments.purge_older(database, now - retention.audit_days * DAY_S)
    await asyncio.to_thread(_delete_copies, database.path, now - max(retention.transcript_days, LEAST_DAYS_OF_COPIES) * DAY_S)
    if lines or rows:
        await database.checkpoint()
        log.info("%d lines of transcripts and %d commands and appointments were too old and are deleted.", lines, rows)
    return lines + rows


async def keep_purging(database: Database, retention: Retention, clock: Callable[[], float] = time.time, every_s: float = EVERY_S) -> None:
    """Purge now and every ``every_s`` until cancelled; a disk that fails is tried again the next time."""
    while True:
        try:
            await purge(database, retention, clock())
        except StorageError as error:
            log.warning("what is too old was not deleted: %s", error)
        await asyncio.sleep(every_s)


def _delete_copies(database: Path, at: float) -> None:
    """Delete what upgrades and restorations have put aside before ``at``."""
    for copy in database.parent.glob(f"{database.name}.before-*"):
        if copy.stat().st_mtime < at:
            copy.unlink(missing_ok=True)
