"""Which commands may be obeyed: each message once, over restarts too, and none that is old."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from storage import obeyed
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

FRESH_FOR_S: Final = 600.0
"""Who has waited longer than this for an answer does not expect it any more."""
MOST_REMEMBERED: Final = 2000


class Claims:
    """Keeps which messages were obeyed. ``now`` is Telegram's time of day."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        self._claimed: OrderedDict[tuple[int, int], None] = OrderedDict()

    async def claim(self, message: Any, *, missed: bool = False) -> bool:
        """Call it before a message is obeyed; false: it must not be.

        Where nothing can be kept, commands that have just come are obeyed all the same, and ``missed`` ones, found later, are not:
        one of them may have been obeyed already, and a /restart would be obeyed for ever.
        """
        if not self.is_fresh(message):
            log.info("a command from %s is too old to be obeyed", message.date, extra={"chat_id": message.chat_id})
            return False
        key = (message.chat_id, message.id)
        if key in self._claimed:
            return False
        self._remember(key)
        try:
            return await obeyed.note(self._database, *key)
        except StorageError as error:
            log.warning("which commands were obeyed is not kept: %s", error, extra={"chat_id": message.chat_id})
            return not missed

    def is_fresh(self, message: Any) -> bool:
        """Whether it was written lately."""
        return bool(self._now() - message.date.timestamp() <= FRESH_FOR_S)

    def _remember(self, key: tuple[int, int]) -> None:
        self._claimed[key] = None
        if len(self._claimed) > MOST_REMEMBERED:
            self._claimed.popitem(last=False)
