"""Keeps what happens in calls: listens to the bus, and lets a writer bring it to the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from calls import events
from storage import calls, exchanges, transcripts
from storage.database import Database
from storage.errors import StorageError
from storage.writer import Writer

_Words = events.ExchangeEnded | events.TurnIgnored | events.VoiceMessageAnswered
_Kept = events.CallJoined | events.CallLeft | _Words


class Recorder:
    """Subscribe it to the bus and let :meth:`run` do the writing; whatever happens to the disk, the calls go on.

    ``wall_clock`` gives the time of day that is stored. ``publish`` is told, as :class:`calls.events.StorageFailed`, when something
    cannot be stored. Without ``keep_words`` it is kept when there were calls, and nothing of what was said.
    """

    def __init__(
        self,
        database: Database,
        wall_clock: Callable[[], float] = time.time,
        publish: Callable[[events.CallEvent], None] = lambda event: None,
        keep_words: bool = True,
    ) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._publish = publish
        self._keep_words = keep_words
        self._writer = Writer(self._tell)
        self._call_ids: dict[int, int] = {}

    @property
    def dropped(self) -> int:
        """How many events were not stored."""
        return self._writer.dropped

    def __call__(self, event: events.CallEvent) -> None:
        """Take an event; costs no more than a place in the queue."""
        if isinstance(event, events.CallJoined | events.CallLeft) or (self._keep_words and isinstance(event, _Words)):
            self._writer.note(partial(self._write, self._wall_clock(), event))

    async def run(self) -> None:
        """Write until cancelled."""
        await self._writer.run()

    async def drained(self) -> None:
        """Wait until all that was taken is written, or cannot be; :meth:`run` must be running."""
        await self._writer.drained()

    def _tell(self, error: StorageError) -> None:
        self._publish(events.StorageFailed(chat_id=0, at_s=time.monotonic(), what=str(error), key=error.key))

    async def _write(self, at: float, event: _Kept) -> None:
        match event:
            case events.CallJoined(chat_id=chat_id, title=title):
                self._call_ids.pop(chat_id, None)
                self._call_ids[chat_id] = await calls.begin(self._database, chat_id, title, at)
            case events.CallLeft(chat_id=chat_id, reason=reason):
                if chat_id in self._call_ids:
                    await calls.end(self._database, self._call_ids[chat_id], reason, at)
                    del self._call_ids[chat_id]
            case events.ExchangeEnded():
                await exchanges.add(self._database, self._exchange(at, event))
            case events.VoiceMessageAnswered():
                await exchanges.add(self._database, self._voice_message(at, event))
            case events.TurnIgnored():
                await transcripts.add(self._database, self._heard_line(at, event))

    def _exchange(self, at: float, event: events.ExchangeEnded) -> exchanges.StoredExchange:
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

    def _voice_message(self, at: float, event: events.VoiceMessageAnswered) -> exchanges.StoredExchange:
        return exchanges.StoredExchange(
            call_id=self._call_ids.get(event.chat_id),
            chat_id=event.chat_id,
            turn_id=event.message_id,
            revision=0,
            speaker=event.speaker,
            speaker_id=event.speaker_id,
            heard=event.said,
            reply=event.answer,
            reply_heard=event.answer,
            interrupted=False,
            spans_ms=event.spans_ms,
            at=at,
        )

    def _heard_line(self, at: float, event: events.TurnIgnored) -> transcripts.HeardLine:
        return transcripts.HeardLine(
            self._call_ids.get(event.chat_id), event.chat_id, event.turn_id, event.speaker, event.speaker_id, event.text, event.reason, at
        )
