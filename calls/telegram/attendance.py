"""Keeps the roster of a voice chat true: the first list, the updates, lost updates, and sounds of unknown people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import functions, types
from telethon.utils import get_display_name, get_peer_id

from calls.lines.line import AttendanceKnown, HearingSink
from calls.telegram.group_hearing import GroupHearing
from calls.telegram.participants import Change, Roster, signed
from calls.telegram.updates import entity_names

log = logging.getLogger(__name__)

PAGE: Final = 100
MOST_PAGES: Final = 5
"""Of a bigger call only this much is listed; its speakers become known when they speak."""
GAP_PAUSE_S: Final = 1.0
"""A lost update may still arrive; official clients wait as long before they read the list again."""
UNKNOWN_PAUSE_S: Final = 1.0
"""Between two questions about unknown sources."""
FAILURE_PAUSE_S: Final = 10.0


News = Change | AttendanceKnown


class Attendance:
    """Who is in ``call``, and who is heard. ``on_change`` is told each change, on the event loop."""

    def __init__(
        self,
        client: TelegramClient,
        call: types.InputGroupCall,
        roster: Roster,
        sink: HearingSink,
        on_change: Callable[[News], None],
    ) -> None:
        self._client = client
        self._call = call
        self._roster = roster
        self._on_change = on_change
        self._gap = False
        self._wanted = asyncio.Event()
        self.hearing = GroupHearing(roster, sink, self._wanted.set)

    @property
    def muted_by_itself(self) -> bool:
        """We are muted though we may speak."""
        return self._roster.muted_by_itself

    def on_update(self, update: types.UpdateGroupCallParticipants) -> None:
        """Take in an update about this voice chat."""
        if self._roster.misses(update.participants, update.version):
            self._gap = True
            self._wanted.set()
        self._tell(self._roster.apply(update.participants, entity_names(update), update.version))

    async def begin(self) -> None:
        """Read the list for the first time. If Telegram refuses just now, :meth:`run` makes up for it: nobody is less heard for it."""
        try:
            await self.read_all()
        except RPCError as error:
            log.warning("the participants cannot be read yet: %r", error)
            self._gap = True
            self._wanted.set()

    async def read_all(self) -> None:
        """Read the list of participants.

        :raises telethon.errors.RPCError: Telegram refused.
        """
        rows: list[Any] = []
        names: dict[int, str] = {}
        offset, version = "", 0
        for _ in range(MOST_PAGES):
            page = await self._ask(offset=offset)
            rows += page.participants
            names |= _names(page)
            offset, version = page.next_offset, page.version
            if not offset:
                break
        take_in = self._roster.apply if offset else self._roster.replace
        self._tell([*take_in(rows, names, version), AttendanceKnown()])

    def read_again(self) -> None:
        """Updates may have been lost: read the list soon."""
        self._gap = True
        self._wanted.set()

    async def run(self) -> None:
        """Read again what turns out to be missing, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._fill_in()
            except (RPCError, ConnectionError) as error:
                log.warning("the participants could not be read: %r", error)
                await asyncio.sleep(FAILURE_PAUSE_S)
                self._wanted.set()
            await asyncio.sleep(UNKNOWN_PAUSE_S)

    async def _fill_in(self) -> None:
        if unknown := self.hearing.unknown:
            page = await self._ask(sources=[signed(ssrc) for ssrc in unknown])
            self._tell(self._roster.apply(page.participants, _names(page), self._roster.version))
            self.hearing.forget([ssrc for ssrc in unknown if self._roster.by_ssrc(ssrc) is None])
        if self._gap:
            await asyncio.sleep(GAP_PAUSE_S)
            await self.read_all()
            self._gap = False

    async def _ask(self, offset: str = "", sources: Sequence[int] = ()) -> Any:
        return await self._client(
            functions.phone.GetGroupParticipantsRequest(self._call, ids=[], sources=list(sources), offset=offset, limit=PAGE)
        )

    def _tell(self, changes: Sequence[News]) -> None:
        for change in changes:
            self._on_change(change)
        self.hearing.release()


def _names(page: Any) -> dict[int, str]:
    return {get_peer_id(entity): get_display_name(entity) for entity in (*page.users, *page.chats)}
