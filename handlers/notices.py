"""Telling a chat in plain words what went wrong in its call: once per trouble, not once per turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from calls import events
from handlers.wording import ENGLISH, say

SendText = Callable[[int, str], Awaitable[None]]
LanguageOf = Callable[[int], Awaitable[str]]
Text = Callable[[str], str]
"""What is to be told, given the language of the chat."""

MOST_WAITING = 20


class Notices:
    """Listens to the bus and writes to chats through ``send``; :meth:`run` does the sending, off the hot path."""

    def __init__(self, send: SendText, language_of: LanguageOf | None = None) -> None:
        self._send = send
        self._language_of = language_of
        self._told: set[tuple[int, str]] = set()
        self._failed_now: set[tuple[int, str]] = set()
        self._waiting: asyncio.Queue[tuple[int, Text]] = asyncio.Queue(MOST_WAITING)

    def __call__(self, event: events.CallEvent) -> None:
        """Take one event of any call."""
        match event:
            case events.EngineFailed(part=part, what=what):
                self._failed(event.chat_id, part, what)
            case events.ExchangeEnded():
                self._exchanged(event)
            case events.CallLeft():
                self._forget(event.chat_id, keep=set())
                if event.reason or event.key:
                    self._put(event.chat_id, partial(_why_left, event))
            case _:
                pass

    def _failed(self, chat_id: int, part: str, what: str) -> None:
        self._failed_now.add((chat_id, part))
        if (chat_id, part) not in self._told:
            self._told.add((chat_id, part))
            self._put(chat_id, lambda language: say(language, f"trouble.{part}", what=what))

    def _exchanged(self, event: events.ExchangeEnded) -> None:
        if event.reply and not event.reply_heard and not event.interrupted:
            self._put(event.chat_id, lambda _language: event.reply)
        self._forget(event.chat_id, keep=self._failed_now)

    def _forget(self, chat_id: int, keep: set[tuple[int, str]]) -> None:
        self._told = {trouble for trouble in self._told if trouble[0] != chat_id or trouble in keep}
        self._failed_now = {trouble for trouble in self._failed_now if trouble[0] != chat_id}

    def _put(self, chat_id: int, text: Text) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait((chat_id, text))

    async def run(self) -> None:
        """Send what is to be told until cancelled."""
        while True:
            chat_id, text = await self._waiting.get()
            language = await self._language_of(chat_id) if self._language_of else ENGLISH
            await self._send(chat_id, text(language))


def _why_left(event: events.CallLeft, language: str) -> str:
    return say(language, event.key, **event.fields) if event.key else event.reason
