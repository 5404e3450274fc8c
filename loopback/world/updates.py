"""What a client has missed. https://core.telegram.org/api/updates."""

from __future__ import annotations

from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.history import History, dialog_of
from loopback.world.mailbox import Change, Entry, Message
from loopback.world.registry import Caller, answers

POLL_AGAIN_S: Final = 30
SHOWN_WHEN_TOO_LONG: Final = 20


class Updates:
    """State and differences; ``seq`` and ``qts`` are always 0."""

    def __init__(self, context: Context, history: History) -> None:
        self._context = context
        self._history = history

    @answers(f.updates.GetStateRequest)
    def state(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getState``."""
        return self._state(caller.account, caller.account.mailbox.pts)

    # --- private chats and basic groups -----------------------------------------------------------------------
    @answers(f.updates.GetDifferenceRequest)
    def difference(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getDifference``: private chats and basic groups, and which supergroups and channels have moved on."""
        me, settings = caller.account, self._context.settings
        entries = me.mailbox.since(request.pts)
        since = request.date.timestamp() if request.date else 0.0
        moved = [chat for chat in self._context.chats.of(me.id) if _moved_on(chat, since)]
        if not entries and not moved:
            return t.updates.DifferenceEmpty(int(self._context.now()), 0)
        if len(entries) > settings.difference_max:
            return t.updates.DifferenceTooLong(me.mailbox.pts)
        page = entries[: settings.difference_page]
        parts = self._parts(me, page, moved)
        if len(page) < len(entries):
            return t.updates.DifferenceSlice(**parts, intermediate_state=self._state(me, page[-1].pts))
        return t.updates.Difference(**parts, state=self._state(me, me.mailbox.pts))

    def _parts(self, me: Account, entries: list[Entry], moved: list[Chat]) -> dict[str, Tl]:
        new = _new(entries, me.mailbox.messages)
        too_long = [t.UpdateChannelTooLong(chat.id, chat.mailbox.pts) for chat in moved]
        return {
            "new_messages": [self._context.render.message(message, me) for message in new],
            "new_encrypted_messages": [],
            "other_updates": self._own_changes(me, entries) + too_long,
            "chats": self._history.chats_of(me, moved, new),
            "users": self._history.people_of(me, (), new),
        }

    def _own_changes(self, me: Account, entries: list[Entry]) -> list[Tl]:
        edits = [
            t.UpdateEditMessage(self._context.render.message(message, me), entry.pts, 1)
            for entry, message in _edits(entries, me.mailbox.messages)
        ]
        return edits + [t.UpdateDeleteMessages(ids, entry.pts, len(ids)) for entry, ids in _deletions(entries)]

    def _state(self, account: Account, pts: int) -> Tl:
        return t.updates.State(pts=pts, qts=0, date=int(self._context.now()), seq=0, unread_count=0)

    # --- supergroups and channels -----------------------------------------------------------------------------
    @answers(f.updates.GetChannelDifferenceRequest)
    def channel_difference(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getChannelDifference``: by page; of what lies too far back only the newest messages."""
        chat, settings = self._context.peers.chat(caller, request.channel), self._context.settings
        entries = chat.mailbox.since(request.pts)
        if not entries:
            return t.updates.ChannelDifferenceEmpty(pts=chat.mailbox.pts, final=True, timeout=POLL_AGAIN_S)
        if len(entries) > settings.difference_max:
            return self._too_long(chat, caller.account)
        page = entries[: min(request.limit, settings.difference_page)]
        return self._channel_page(chat, caller.account, page, is_last=len(page) == len(entries))

    def _channel_page(self, chat: Chat, me: Account, entries: list[Entry], *, is_last: bool) -> Tl:
        new = _new(entries, chat.mailbox.messages)
        return t.updates.ChannelDifference(
            pts=chat.mailbox.pts if is_last else entries[-1].pts,
            new_messages=[self._context.render.message(message, me) for message in new],
            other_updates=self._channel_changes(chat, me, entries),
            chats=self._history.chats_of(me, [chat], new),
            users=self._history.people_of(me, (), new),
            final=is_last,
            timeout=POLL_AGAIN_S,
        )

    def _channel_changes(self, chat: Chat, me: Account, entries: list[Entry]) -> list[Tl]:
        edits = [
            t.UpdateEditChannelMessage(self._context.render.message(message, me), entry.pts, 1)
            for entry, message in _edits(entries, chat.mailbox.messages)
        ]
        return edits + [t.UpdateDeleteChannelMessages(chat.id, ids, entry.pts, len(ids)) for entry, ids in _deletions(entries)]

    def _too_long(self, chat: Chat, me: Account) -> Tl:
        newest = list(chat.mailbox.messages.values())[: -SHOWN_WHEN_TOO_LONG - 1 : -1]
        return t.updates.ChannelDifferenceTooLong(
            dialog=dialog_of(chat, newest[0] if newest else None),
            messages=[self._context.render.message(message, me) for message in newest],
            chats=self._history.chats_of(me, [chat], newest),
            users=self._history.people_of(me, (), newest),
            final=True,
            timeout=POLL_AGAIN_S,
        )


def _new(entries: list[Entry], kept: dict[int, Message]) -> list[Message]:
    return [m for entry in entries if entry.change is Change.NEW for m in entry.messages if m.id in kept]


def _edits(entries: list[Entry], kept: dict[int, Message]) -> list[tuple[Entry, Message]]:
    return [(entry, m) for entry in entries if entry.change is Change.EDITED for m in entry.messages if m.id in kept]


def _deletions(entries: list[Entry]) -> list[tuple[Entry, list[int]]]:
    return [(entry, [m.id for m in entry.messages]) for entry in entries if entry.change is Change.DELETED]


def _moved_on(chat: Chat, since: float) -> bool:
    if chat.is_basic:
        return False
    return any(m.content.date >= since for entry in chat.mailbox.changes if entry.change is Change.NEW for m in entry.messages)
