"""What one person has read: messages and edits with the time they came."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from telethon import events

from errors import ParleyError

KEPT_MESSAGES: Final = 1000


class NoSuchMessage(ParleyError):
    """The message waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of somebody else as it was written or last edited; ``at_s`` is of the monotonic clock."""

    at_s: float
    chat_id: int
    sender_id: int
    message_id: int
    text: str
    edited: bool
    message: Any


class Inbox:
    """The newest thousand messages and edits, in the order in which they came."""

    def __init__(self) -> None:
        self.letters: deque[Letter] = deque(maxlen=KEPT_MESSAGES)
        self._arrived = asyncio.Condition()

    def listen(self, client: Any) -> None:
        """Keep what comes in at a Telethon client."""
        client.add_event_handler(self._on_message, events.NewMessage(incoming=True))
        client.add_event_handler(self._on_edit, events.MessageEdited(incoming=True))

    async def wait_for(
        self,
        pattern: str | re.Pattern[str],
        *,
        since_s: float,
        sender_id: int | None = None,
        chat_id: int | None = None,
        within_s: float = 20.0,
    ) -> Letter:
        """The first message since ``since_s`` in which ``pattern`` is found, of a certain sender and chat if given.

        :raises NoSuchMessage: none came within ``within_s``.
        """

        def found() -> Letter | None:
            return next((letter for letter in self.letters if letter.at_s >= since_s and _fits(letter, pattern, sender_id, chat_id)), None)

        try:
            async with asyncio.timeout(within_s), self._arrived:
                await self._arrived.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise NoSuchMessage(f"No message like {_shown(pattern)} came within {within_s:g} s.", self._came_instead(since_s)) from None
        letter = found()
        assert letter is not None
        return letter

    def _came_instead(self, since_s: float) -> str:
        others = [letter.text for letter in self.letters if letter.at_s >= since_s]
        return f"These came instead: {others}." if others else "None came at all."

    async def _on_message(self, event: Any) -> None:
        await self._keep(event, edited=False)

    async def _on_edit(self, event: Any) -> None:
        await self._keep(event, edited=True)

    async def _keep(self, event: Any, *, edited: bool) -> None:
        letter = Letter(time.monotonic(), event.chat_id, event.sender_id or event.chat_id, event.id, event.raw_text, edited, event.message)
        async with self._arrived:
            self.letters.append(letter)
            self._arrived.notify_all()


def _fits(letter: Letter, pattern: str | re.Pattern[str], sender_id: int | None, chat_id: int | None) -> bool:
    of_sender = sender_id is None or letter.sender_id == sender_id
    in_chat = chat_id is None or letter.chat_id == chat_id
    return of_sender and in_chat and re.search(pattern, letter.text) is not None


def _shown(pattern: str | re.Pattern[str]) -> str:
    return repr(pattern if isinstance(pattern, str) else pattern.pattern)
