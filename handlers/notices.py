"""Telling a chat in plain words what went wrong in its call: once per trouble, not once per turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from calls import events

SendText = Callable[[int, str], Awaitable[None]]

TROUBLE = {
    "hearing": "⚠️ I'm having trouble hearing the call: {what}",
    "thinking": "⚠️ I cannot think just now: {what} The call goes on; ask me again.",
    "speaking": "⚠️ Failed to stream TTS to call: {what} I will write my answers here meanwhile.",
}
MOST_WAITING = 20


class Notices:
    """Listens to the bus and writes to chats through ``send``; :meth:`run` does the sending, off the hot path."""

    def __init__(self, send: SendText) -> None:
        self._send = send
        self._told: set[tuple[int, str]] = set()
        self._failed_now: set[tuple[int, str]] = set()
        self._waiting: asyncio.Queue[tuple[int, str]] = asyncio.Queue(MOST_WAITING)

    def __call__(self, event: events.CallEvent) -> None:
        """Take one event of any call."""
        match event:
            case events.EngineFailed(part=part, what=what):
                self._failed(event.chat_id, part, what)
            case events.ExchangeEnded():
                self._exchanged(event)
            case events.CallLeft(reason=reason):
                self._forget(event.chat_id, keep=set())
                if reason:
                    self._put(event.chat_id, reason)
            case _:
                pass

    def _failed(self, chat_id: int, part: str, what: str) -> None:
        self._failed_now.add((chat_id, part))
        if (chat_id, part) not in self._told:
            self._told.add((chat_id, part))
            self._put(chat_id, TROUBLE[part].format(what=what))

    def _exchanged(self, event: events.ExchangeEnded) -> None:
        if event.reply and not event.reply_heard and not event.interrupted:
            self._put(event.chat_id, event.reply)
        self._forget(event.chat_id, keep=self._failed_now)

    def _forget(self, chat_id: int, keep: set[tuple[int, str]]) -> None:
        self._told = {trouble for trouble in self._told if trouble[0] != chat_id or trouble in keep}
        self._failed_now = {trouble for trouble in self._failed_now if trouble[0] != chat_id}

    def _put(self, chat_id: int, text: str) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait((chat_id, text))

    async def run(self) -> None:
        """Send what is to be told until cancelled."""
        while True:
            chat_id, text = await self._waiting.get()
            await self._send(chat_id, text)
