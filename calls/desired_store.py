"""What calls are wanted, kept in the database. What cannot be written is logged: the calls of this process go on without it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from storage import chats, desired
from storage.database import Database
from storage.desired import WantedCall
from storage.errors import StorageError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class StoredDesires:
    """A :class:`calls.desires.DesiredStore` over the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def want(self, call: WantedCall) -> None:
        """See the protocol."""
        await _kept(desired.want(self._database, call), None)

    async def unwant(self, chat_id: int) -> None:
        """See the protocol."""
        await _kept(desired.unwant(self._database, chat_id), None)

    async def wanted(self) -> Sequence[WantedCall]:
        """See the protocol."""
        return await _kept(desired.wanted(self._database), [])

    async def note_failure(self, chat_id: int, failures: int, paused_until: float | None) -> None:
        """See the protocol."""
        await _kept(desired.note_failure(self._database, chat_id, failures, paused_until), None)

    async def left_by_hand(self, chat_id: int, voice_chat_id: int, at: float) -> None:
        """See the protocol."""
        await _kept(desired.left_by_hand(self._database, chat_id, voice_chat_id, at), None)

    async def was_left_by_hand(self, chat_id: int, voice_chat_id: int) -> bool:
        """See the protocol."""
        return await _kept(desired.was_left_by_hand(self._database, chat_id, voice_chat_id), False)

    async def note_error(self, chat_id: int, what: str, at: float) -> None:
        """See the protocol."""
        await _kept(desired.note_error(self._database, chat_id, what, at), None)

    async def last_error_at(self, chat_id: int) -> float | None:
        """See the protocol."""
        return await _kept(desired.last_error_at(self._database, chat_id), None)

    async def disable(self, chat_id: int, reason: str) -> None:
        """See the protocol."""
        await _kept(chats.change(self._database, chat_id, disabled_reason=reason), None)


async def _kept(work: Awaitable[Result], otherwise: Result) -> Result:
    try:
        return await work
    except StorageError as error:
        log.error("what calls are wanted was not kept: %s", error)
        return otherwise
