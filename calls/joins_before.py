"""The joins of the process before this one count at the gates, so that a restart right after them provokes no flood."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from calls.gates import JOIN_CALL, RATES, Gates
from storage import calls
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


async def remember_joins(gates: Gates, database: Database, wall_clock: Callable[[], float] = time.time) -> None:
    """Tell the gates of the joins that are stored. A database that cannot be read costs the caution, and no call."""
    now = wall_clock()
    try:
        joined = await calls.joined_since(database, now - RATES[JOIN_CALL].within_s)
    except StorageError as error:
        log.warning("the last joins are not known: %s", error)
        return
    gates.remember(JOIN_CALL, [max(0.0, now - at) for at in joined])
