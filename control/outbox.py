"""What is on its way to one client: answers, which are never dropped, and notifications, of which the oldest are when it reads slowly."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import drops
from control.events import LOST
from control.messages import notification
from drops import Drop

MOST_NOTIFICATIONS: Final = 256
MOST_AT_ONCE: Final = 16


class Outbox:
    """Filled by whoever has something to say, emptied by :meth:`next`.

    Notifications can be held back; those that are too many meanwhile are dropped as well.
    """

    def __init__(self, most_notifications: int = MOST_NOTIFICATIONS) -> None:
        self._most = most_notifications
        self._answers: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._notifications: deque[bytes] = deque()
        self._lost = 0
        self._changed = asyncio.Event()
        self._held_back = self._closed = False

    def answer(self, message: bytes) -> asyncio.Future[None]:
        """Put an answer; what is returned is done when it is about to be sent."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            taken.set_result(None)
            return taken
        self._answers.append((message, taken))
        self._changed.set()
        return taken

    def notify(self, message: bytes) -> None:
        """Put a notification, in the place of the oldest if there are too many."""
        if len(self._notifications) >= self._most:
            self._notifications.popleft()
            self._lost += 1
            drops.note(Drop.NOTIFICATIONS)
        self._notifications.append(message)
        self._changed.set()

    def hold_back(self, held_back: bool) -> None:
        """Whether notifications wait from now on."""
        self._held_back = held_back
        self._changed.set()

    def close(self) -> None:
        """Nothing will be sent any more: answers count as sent."""
        self._closed = True
        self._take_answers()
        self._notifications.clear()
        self._changed.set()

    async def next(self) -> list[bytes]:
        """Wait for something to be sent; what has been lost is told before what comes behind it."""
        while not (messages := self._take()):
            await self._change()
        return messages

    async def empty(self) -> None:
        """Wait until nothing waits to be sent."""
        while self._answers or (not self._held_back and not self._closed and (self._notifications or self._lost)):
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _take(self) -> list[bytes]:
        messages = self._take_answers()
        if self._held_back:
            return messages
        if self._lost:
            messages.append(notification(LOST, {"count": self._lost}))
            self._lost = 0
        while self._notifications and len(messages) < MOST_AT_ONCE:
            messages.append(self._notifications.popleft())
        if messages:
            self._changed.set()
        return messages

    def _take_answers(self) -> list[bytes]:
        messages = []
        while self._answers:
            message, taken = self._answers.popleft()
            messages.append(message)
            if not taken.done():
                taken.set_result(None)
        return messages
