"""Whether Telegram can be reached just now, and the moment when it can be again.

Telethon comes back by itself after an outage and tells nobody; what was missed meanwhile it does not ask for. So this looks, and asks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from telethon import TelegramClient

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.2

Listener = Callable[[], None]


class Connection:
    """The connection of ``client``. Listeners are called on the event loop each time it is there again; :meth:`watch` does the looking."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._listeners: list[Listener] = []

    @property
    def online(self) -> bool:
        """Requests leave now."""
        return bool(self._client.is_connected() and self._client._sender._transport_connected())

    def now_s(self) -> float:
        """Telegram's time of day, in seconds since the epoch; the clock of this machine may be wrong."""
        return time.time() + float(self._client._sender._state.time_offset)

    async def until_online(self) -> None:
        """Wait until requests can leave."""
        while not self.online:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(LOOK_EVERY_S)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; calling what is returned removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def watch(self) -> None:
        """After each outage ask for what was missed, and tell the listeners; until cancelled."""
        session = self._session
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.online and self._session != session:
                session = self._session
                log.info("Connected to Telegram again.")
                await self._client.catch_up()
                self._tell()

    @property
    def _session(self) -> int:
        """Telethon begins a new session with every connection."""
        return int(self._client._sender._state.id)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("a listener failed when the connection came back")
