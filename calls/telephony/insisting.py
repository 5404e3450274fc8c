"""The notice that an AI speaks is said again when somebody has spoken over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from calls import events
from calls.guest_calls import GuestCall

MOST_TIMES: Final = 5
"""Somebody who speaks over it more often does not want to hear it."""


class Insisting:
    """Listens to the bus during one call, until :meth:`stop`."""

    def __init__(self, guest: GuestCall, notice: str, bus: events.EventBus) -> None:
        self._guest = guest
        self._notice = notice
        self._again: set[asyncio.Task[bool]] = set()
        self._times = 0
        self._unsubscribe: Callable[[], None] | None = bus.subscribe(self)

    def __call__(self, event: events.CallEvent) -> None:
        """Take one event of any call."""
        if not isinstance(event, events.Announced) or event.chat_id != self._guest.chat_id or not event.text.startswith(self._notice):
            return
        if event.heard.startswith(self._notice) or self._times >= MOST_TIMES or self._guest.over.done():
            self.stop()
            return
        self._times += 1
        again = asyncio.create_task(self._guest.call.speak(self._notice, first=True))
        self._again.add(again)
        again.add_done_callback(self._again.discard)

    def stop(self) -> None:
        """It is enough."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for again in self._again:
            again.cancel()
