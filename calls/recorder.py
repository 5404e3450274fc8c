"""Keeps what happens in calls: listens to the bus, and writes to the database from a task of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from calls import events
from storage import calls, exchanges
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

MOST_WAITING: Final = 1000
"""Events that wait for a slow disk; more are dropped and counted."""


class Recorder:
    """Subscribe it to the bus and let :meth:`run` do the writing. ``wall_clock`` gives the time of day that is stored."""

    def __init__(self, database: Database, wall_clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._waiting: asyncio.Queue[tuple[float, events.CallEvent]] = asyncio.Queue(MOST_WAITING)
        self._call_ids: dict[int, int] = {}
        self.dropped = 0

    def __call__(self, event: events.CallEvent) -> None:
        """Take an event; costs no more than a place in the queue."""
        if not isinstance(event, events.CallJoined | events.CallLeft | events.ExchangeEnded):
            return
        if self._waiting.full():
            self.dropped += 1
            return
        self._waiting.put_nowait((self._wall_clock(), event))

    async def run(self) -> None:
        """Write until cancelled. What cannot be written is logged and dropped: a call goes on without it."""
        while True:
            at, event = await self._waiting.get()
            try:
                await self._write(at, event)
            except StorageError as error:
                self.dropped += 1
                log.error("an event was not stored: %s", error)
            finally:
                self._waiting.task_done()

    async def drained(self) -> None:
        """Wait until all that was taken is written; :meth:`run` must be running."""
        await self._waiting.join()

    async def _write(self, at: float, event: events.CallEvent) -> None:
        match event:
            case events.CallJoined(chat_id=chat_id, title=title):
                self._call_ids[chat_id] = await calls.begin(self._database, chat_id, title, at)
            case events.CallLeft(chat_id=chat_id, reason=reason) if chat_id in self._call_ids:
                await calls.end(self._database, self._call_ids.pop(chat_id), reason, at)
            case events.ExchangeEnded():
                await exchanges.add(self._database, self._stored(at, event))

    def _stored(self, at: float, event: events.ExchangeEnded) -> exchanges.StoredExchange:
        return exchanges.StoredExchange(
            call_id=self._call_ids.get(event.chat_id),
            chat_id=event.chat_id,
            turn_id=event.turn_id,
            revision=event.revision,
            speaker=event.speaker,
            speaker_id=event.speaker_id,
            heard=event.heard,
            reply=event.reply,
            reply_heard=event.reply_heard,
            interrupted=event.interrupted,
            spans_ms=event.spans_ms,
            at=at,
        )
