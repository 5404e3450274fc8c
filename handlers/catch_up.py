"""Commands that were given while Parley was away: found after the start and after each outage, and obeyed, each once.

Telegram tells a program that comes back of some of what it missed, and after a crash of none of it. So the newest messages are read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Final, Protocol

from telethon import TelegramClient
from telethon.errors import FloodWaitError, RPCError

from handlers.claims import FRESH_FOR_S
from storage import obeyed
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

MOST_CHATS: Final = 100
"""The newest conversations that are looked at: one page of Telegram's list."""
MOST_READ: Final = 30
"""Of them so many are read, those first in which a command was ever obeyed."""
MOST_MESSAGES: Final = 100
"""Read of each: one page."""
BETWEEN_CHATS_S: Final = 0.2
SETTLED_AFTER_S: Final = 1.0
"""After an outage Telegram itself tells of most that was missed, meanwhile."""
BETWEEN_LOOKS_S: Final = 15.0
LONGEST_FLOOD_S: Final = 120.0


class Obedience(Protocol):
    """As :class:`handlers.dispatch.Dispatcher`."""

    def obey_missed(self, chat_id: int, messages: list[Any]) -> int:
        """Obey those among these messages of a chat that are commands and were not obeyed, the oldest first; how many are commands."""


class Connection(Protocol):
    """As :class:`calls.telegram.connection.Connection`."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each outage; calling what is returned ends that."""

    def now_s(self) -> float:
        """Telegram's time of day."""


class CatchUp:
    """An async context manager: inside it nothing is overlooked. ``dispatcher`` must be listening already."""

    def __init__(self, client: TelegramClient, dispatcher: Obedience, connection: Connection, database: Database) -> None:
        self._client = client
        self._dispatcher = dispatcher
        self._connection = connection
        self._database = database
        self._missed_something = asyncio.Event()

    async def __aenter__(self) -> CatchUp:
        self._unsubscribe = self._connection.subscribe(self._missed_something.set)
        self._task = asyncio.create_task(self._run(), name="catching up")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._unsubscribe()
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self._look_patiently()
            await asyncio.sleep(BETWEEN_LOOKS_S)
            await self._missed_something.wait()
            await asyncio.sleep(SETTLED_AFTER_S)

    async def _look_patiently(self) -> None:
        """Look; when Telegram cannot be asked now, the next outage's end is the next chance."""
        self._missed_something.clear()
        try:
            await self.look()
        except FloodWaitError as flood:
            log.warning("Telegram asks to wait %d s before missed commands are looked for.", flood.seconds)
            if flood.seconds <= LONGEST_FLOOD_S:
                self._missed_something.set()
                await asyncio.sleep(flood.seconds)
        except (RPCError, ConnectionError, TimeoutError, ValueError) as error:
            log.warning("missed commands could not be looked for: %r", error)
        except Exception:
            log.exception("missed commands could not be looked for")

    async def look(self) -> int:
        """Read what was written lately and have the commands in it obeyed; how many commands were found, those obeyed before included.

        :raises telethon.errors.RPCError: Telegram does not list the conversations, or asks to wait.
        :raises ConnectionError: it cannot be reached.
        """
        since_s = self._connection.now_s() - FRESH_FOR_S
        dialogs = await self._client.get_dialogs(limit=MOST_CHATS)
        recent = [dialog for dialog in dialogs if dialog.date and dialog.date.timestamp() >= since_s]
        known = await self._known()
        recent.sort(key=lambda dialog: (dialog.id not in known, -dialog.date.timestamp()))
        found = 0
        for dialog in recent[:MOST_READ]:
            found += await self._read(dialog, since_s)
            await asyncio.sleep(BETWEEN_CHATS_S)
        return found

    async def _known(self) -> Collection[int]:
        """The chats in which something was ever obeyed."""
        try:
            return frozenset(await obeyed.chats(self._database))
        except StorageError:
            return frozenset()

    async def _read(self, dialog: Any, since_s: float) -> int:
        try:
            newest_first = await self._client.get_messages(dialog.input_entity, limit=MOST_MESSAGES)
        except FloodWaitError:
            raise
        except (RPCError, ValueError) as error:
            log.info("this conversation cannot be read: %r", error, extra={"chat_id": dialog.id})
            return 0
        written = [message for message in newest_first if message.date and message.date.timestamp() >= since_s]
        return self._dispatcher.obey_missed(dialog.id, written[::-1])
