"""Status messages: one message for each purpose in a chat, edited when what it says changes, and never too often."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

BETWEEN_EDITS_S: Final = 10.0
FRESH_FOR_S: Final = 900.0
"""An older message has scrolled away: what is new is then told in a new one."""
MOST_REMEMBERED: Final = 200


class Writes(Protocol):
    """Where status messages are written."""

    async def send(self, chat_id: int, text: str) -> int | None:
        """The id of the new message; None when it could not be sent."""

    async def edit(self, chat_id: int, message_id: int, text: str) -> bool:
        """False when the message could not be changed."""


@dataclass(slots=True)
class _Shown:
    message_id: int
    text: str
    sent_at_s: float
    changed_at_s: float
    wanted: str = ""
    waiting: asyncio.Task[None] | None = None


class StatusMessages:
    """``clock`` gives seconds, ``sleep`` waits for some."""

    def __init__(
        self,
        writes: Writes,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._writes = writes
        self._clock = clock
        self._sleep = sleep
        self._shown: OrderedDict[tuple[int, str], _Shown] = OrderedDict()

    async def show(self, chat_id: int, purpose: str, text: str) -> None:
        """Have the chat's message for ``purpose`` say ``text``: at once if there is none yet, else when an edit is due again."""
        shown = self._shown.get((chat_id, purpose))
        if shown is None or self._clock() - shown.sent_at_s > FRESH_FOR_S:
            await self._send_new(chat_id, purpose, text)
            return
        shown.wanted = text
        if shown.waiting is None and text != shown.text:
            shown.waiting = asyncio.create_task(self._edit_when_due(chat_id, purpose, shown), name=f"status in {chat_id}")

    async def _send_new(self, chat_id: int, purpose: str, text: str) -> None:
        self.end(chat_id, purpose)
        message_id = await self._writes.send(chat_id, text)
        if message_id is None:
            return
        now_s = self._clock()
        self._shown[chat_id, purpose] = _Shown(message_id, text, now_s, now_s)
        if len(self._shown) > MOST_REMEMBERED:
            self.end(*next(iter(self._shown)))

    async def _edit_when_due(self, chat_id: int, purpose: str, shown: _Shown) -> None:
        while shown.wanted != shown.text:
            await self._sleep(max(0.0, shown.changed_at_s + BETWEEN_EDITS_S - self._clock()))
            text = shown.wanted
            changed = await self._writes.edit(chat_id, shown.message_id, text)
            shown.text, shown.changed_at_s = text, self._clock()
            if not changed:
                shown.waiting = None
                await self._send_new(chat_id, purpose, text)
                return
        shown.waiting = None

    def shows(self, chat_id: int, purpose: str) -> bool:
        """Whether there is a message for ``purpose``."""
        return (chat_id, purpose) in self._shown

    def end(self, chat_id: int, purpose: str) -> None:
        """Leave the message as it is; what comes next is told in a new one."""
        shown = self._shown.pop((chat_id, purpose), None)
        if shown is not None and shown.waiting is not None:
            shown.waiting.cancel()

    async def close(self) -> None:
        """Leave all messages as they are."""
        waiting = [shown.waiting for shown in self._shown.values() if shown.waiting]
        for key in tuple(self._shown):
            self.end(*key)
        await asyncio.gather(*waiting, return_exceptions=True)
