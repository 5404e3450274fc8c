"""What a client has missed. https://core.telegram.org/api/updates."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.mailbox import Change, Entry
from loopback.world.registry import Caller, answers

POLL_AGAIN_S = 30


class Updates:
    """State and differences; ``seq`` and ``qts`` are always 0."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @answers(f.updates.GetStateRequest)
    def state(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getState``."""
        return self._state(caller.account)

    @answers(f.updates.GetDifferenceRequest)
    def difference(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getDifference``: private messages, and which groups have moved on."""
        me, render = caller.account, self._context.render
        entries = me.mailbox.since(request.pts)
        since = request.date.timestamp() if request.date else 0.0
        moved = [chat for chat in self._context.chats.of(me.id) if _moved_on(chat, since)]
        if not entries and not moved:
            return t.updates.DifferenceEmpty(int(self._context.now()), 0)
        new = [m for entry in entries if entry.change is Change.NEW for m in entry.messages if m.id in me.mailbox.messages]
        people = dict.fromkeys(person for m in new for person in (m.content.sender, m.peer) if isinstance(person, Account))
        return t.updates.Difference(
            new_messages=[render.message(message, me) for message in new],
            new_encrypted_messages=[],
            other_updates=self._private_changes(me, entries) + [t.UpdateChannelTooLong(chat.id, chat.mailbox.pts) for chat in moved],
            chats=[render.chat(chat, me) for chat in moved],
            users=[render.user(person, me) for person in people],
            state=self._state(me),
        )

    @answers(f.updates.GetChannelDifferenceRequest)
    def channel_difference(self, caller: Caller, request: Tl) -> Tl:
        """``updates.getChannelDifference``: all of it at once."""
        chat, me, render = self._context.peers.chat(caller, request.channel), caller.account, self._context.render
        entries = chat.mailbox.since(request.pts)
        if not entries:
            return t.updates.ChannelDifferenceEmpty(pts=chat.mailbox.pts, final=True, timeout=POLL_AGAIN_S)
        new = [m for entry in entries if entry.change is Change.NEW for m in entry.messages if m.id in chat.mailbox.messages]
        return t.updates.ChannelDifference(
            pts=chat.mailbox.pts,
            new_messages=[render.message(message, me) for message in new],
            other_updates=self._chat_changes(chat, me, entries),
            chats=[render.chat(chat, me)],
            users=[render.passer_by(person, me) for person in dict.fromkeys(m.content.sender for m in new)],
            final=True,
            timeout=POLL_AGAIN_S,
        )

    def _state(self, account: Account) -> Tl:
        return t.updates.State(pts=account.mailbox.pts, qts=0, date=int(self._context.now()), seq=0, unread_count=0)

    def _private_changes(self, me: Account, entries: list[Entry]) -> list[Tl]:
        edits = [
            t.UpdateEditMessage(self._context.render.message(m, me), entry.pts, 1)
            for entry in entries
            if entry.change is Change.EDITED
            for m in entry.messages
            if m.id in me.mailbox.messages
        ]
        return edits + [t.UpdateDeleteMessages(ids, entry.pts, len(ids)) for entry, ids in _deletions(entries)]

    def _chat_changes(self, chat: Chat, me: Account, entries: list[Entry]) -> list[Tl]:
        edits = [
            t.UpdateEditChannelMessage(self._context.render.message(m, me), entry.pts, 1)
            for entry in entries
            if entry.change is Change.EDITED
            for m in entry.messages
            if m.id in chat.mailbox.messages
        ]
        return edits + [t.UpdateDeleteChannelMessages(chat.id, ids, entry.pts, len(ids)) for entry, ids in _deletions(entries)]


def _deletions(entries: list[Entry]) -> list[tuple[Entry, list[int]]]:
    return [(entry, [m.id for m in entry.messages]) for entry in entries if entry.change is Change.DELETED]


def _moved_on(chat: Chat, since: float) -> bool:
    return any(m.content.date > since for entry in chat.mailbox.changes if entry.change is Change.NEW for m in entry.messages)
