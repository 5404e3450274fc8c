"""What is remembered of one call while it lasts, taken from the events of the bus."""

from __future__ import annotations

import logging
import time
from collections import deque

from calls import events
from calls.state import TRANSCRIPT_LINES

log = logging.getLogger(__name__)


class CallRecord:
    """Subscribe it to the bus. ``answered_at`` is in seconds since the epoch."""

    def __init__(self, chat_id: int) -> None:
        self.transcript: deque[str] = deque(maxlen=TRANSCRIPT_LINES)
        self.errors = 0
        self.answered_at: float | None = None
        self._chat_id = chat_id

    def __call__(self, event: events.CallEvent) -> None:
        """Take in one event; those of other calls are ignored."""
        if event.chat_id != self._chat_id:
            return
        match event:
            case events.TurnHeard(speaker=speaker, text=text) if text:
                self.transcript.append(f"{speaker}: {text}")
            case events.ExchangeEnded(reply_heard=heard) if heard:
                self._answered(event, heard)
            case events.EngineFailed():
                self.errors += 1
            case _:
                pass

    def _answered(self, event: events.ExchangeEnded, heard: str) -> None:
        self.transcript.append(f"Parley: {heard}")
        self.answered_at = time.time()
        spans = event.spans_ms
        shares = ", ".join(f"{name} {ms:.0f}" for name, ms in spans.items())
        log.info("turn %d answered after %.0f ms: %s", event.turn_id, sum(spans.values()), shares, extra={"chat_id": self._chat_id})
