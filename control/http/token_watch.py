"""Tokens that are revoked or too old meanwhile: what was opened with them and lasts is told so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from storage import tokens
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
TOKEN_GONE: Final = "The token was revoked, or is too old."
TOKEN_NEEDED: Final = "This needs a token, from the first one on that was made."

Gone = Callable[[str], object]


class TokenWatch:
    """Asks the database once for all who are watched, every :data:`LOOK_EVERY_S`. ``wall_clock`` gives seconds since the epoch."""

    def __init__(self, database: Database, wall_clock: Callable[[], float]) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._watched: dict[object, tuple[str | None, Gone]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, token_id: str | None, gone: Gone) -> Callable[[], None]:
        """Have ``gone`` called with the reason when the token is good no more; ``None``: when a token is needed.

        Calling what is returned ends that.
        """
        key = object()
        self._watched[key] = (token_id, gone)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="watch over tokens")

        def forget() -> None:
            self._watched.pop(key, None)

        return forget

    async def _run(self) -> None:
        while self._watched:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
            except StorageError as error:
                log.warning("whether tokens are still good is not known just now: %s", error)

    async def _look(self) -> None:
        if not self._watched:
            return
        good = await tokens.good_ids(self._database, self._wall_clock())
        needed = bool(good) or await tokens.any_ever(self._database)
        for key, (token_id, gone) in tuple(self._watched.items()):
            if token_id is None and needed:
                self._watched.pop(key, None)
                gone(TOKEN_NEEDED)
            elif token_id is not None and token_id not in good:
                self._watched.pop(key, None)
                gone(TOKEN_GONE)
