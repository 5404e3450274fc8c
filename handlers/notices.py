"""Telling a chat in plain words what went wrong in its call: once per trouble, not once per turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import drops
from calls import events
from calls.ending import REMOVED
from calls.guest_calls import is_guest
from drops import Drop
from handlers.wording import ENGLISH, engine_detail, has, say

SendText = Callable[[int, str], Awaitable[object]]
LanguageOf = Callable[[int], Awaitable[str]]
Text = Callable[[str], str]
"""What is to be told, given the language of the chat."""
Show = Callable[[int, str, str], Awaitable[None]]
"""Has a chat's status message for a purpose say a text."""
CALL: str = "call"

MOST_WAITING = 20
MOST_IN_A_ROW = 5
"""After so many failures of an engine in a row the chat is told how to do without it."""
SWITCHES_OFF = {"hearing": "/sttoff", "thinking": "/leavecall", "speaking": "/ttsoff"}


class Notices:
    """Listens to the bus and writes to chats through ``send``; :meth:`run` does the sending, off the hot path.

    How a call gets on is told in its status message through ``show``; what only the owner can mend, and that Parley's account was removed
    from a chat, where it can write no longer, in ``owner_chat``.
    """

    def __init__(
        self, send: SendText, language_of: LanguageOf | None = None, show: Show | None = None, owner_chat: int | None = None
    ) -> None:
        self._send = send
        self._language_of = language_of
        self._show = show
        self._owner_chat = owner_chat
        self._titles: dict[int, str] = {}
        self._told: set[tuple[int, str]] = set()
        self._failed_now: set[tuple[int, str]] = set()
        self._in_a_row: dict[tuple[int, str], int] = {}
        self._waiting: asyncio.Queue[tuple[int, Text, bool]] = asyncio.Queue(MOST_WAITING)

    def __call__(self, event: events.CallEvent) -> None:
        """Take one event of any call."""
        match event:
            case events.EngineFailed(part=part, what=what):
                self._failed(event.chat_id, part, what)
            case events.ExchangeEnded():
                self._exchanged(event)
            case events.CallJoined(title=title):
                self._titles[event.chat_id] = title
            case events.CallLeft():
                self._left(event)
            case events.CallNotice(text=text):
                self._put(event.chat_id, partial(_told, text, event), status=True)
            case events.AccountTrouble(text=what, key=key) | events.StorageFailed(what=what, key=key):
                self._tell_owner(what, key)
            case _:
                pass

    def _left(self, event: events.CallLeft) -> None:
        self._forget(event.chat_id, keep=set())
        title = self._titles.pop(event.chat_id, "") or str(event.chat_id)
        if event.key == REMOVED.key:
            if self._owner_chat is not None:
                self._put(self._owner_chat, lambda language: say(language, "ended.removed_from", chat=title))
        elif event.reason or event.key:
            self._put(event.chat_id, partial(_told, event.reason, event))

    def _tell_owner(self, what: str, key: str) -> None:
        if self._owner_chat is not None and (0, what) not in self._told:
            self._told.add((0, what))
            self._put(self._owner_chat, lambda language: f"⚠️ {say(language, key) if has(key) else what}")

    def _failed(self, chat_id: int, part: str, what: str) -> None:
        self._failed_now.add((chat_id, part))
        times = self._in_a_row[chat_id, part] = self._in_a_row.get((chat_id, part), 0) + 1
        if times == MOST_IN_A_ROW:
            self._put(chat_id, lambda language: say(language, "trouble.again", count=times, command=SWITCHES_OFF[part]))
        if (chat_id, part) not in self._told:
            self._told.add((chat_id, part))
            self._put(chat_id, lambda language: say(language, f"trouble.{part}", what=engine_detail(language, what)))

    def _exchanged(self, event: events.ExchangeEnded) -> None:
        if event.reply and not event.reply_heard and not event.interrupted:
            self._put(event.chat_id, lambda _language: event.reply)
        self._forget(event.chat_id, keep=self._failed_now)

    def _forget(self, chat_id: int, keep: set[tuple[int, str]]) -> None:
        self._told = {trouble for trouble in self._told if trouble[0] != chat_id or trouble in keep}
        self._in_a_row = {trouble: times for trouble, times in self._in_a_row.items() if trouble[0] != chat_id or trouble in keep}
        self._failed_now = {trouble for trouble in self._failed_now if trouble[0] != chat_id}

    def _put(self, chat_id: int, text: Text, *, status: bool = False) -> None:
        if is_guest(chat_id):
            return
        if self._waiting.full():
            drops.note(Drop.NOTICES)
        else:
            self._waiting.put_nowait((chat_id, text, status))

    async def run(self) -> None:
        """Send what is to be told until cancelled."""
        while True:
            chat_id, text, status = await self._waiting.get()
            language = await self._language_of(chat_id) if self._language_of else ENGLISH
            if status and self._show:
                await self._show(chat_id, CALL, text(language))
            else:
                await self._send(chat_id, text(language))


def _told(text: str, event: events.CallLeft | events.CallNotice, language: str) -> str:
    if not has(event.key):
        return text
    fields = dict(event.fields)
    mentioned = fields.get("what_fields")
    if has(key := str(fields.get("what_key", ""))) and isinstance(mentioned, dict):
        fields["what"] = say(language, key, **mentioned)
    return say(language, event.key, **fields)
