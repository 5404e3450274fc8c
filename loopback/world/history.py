"""Looking back: dialogs, history, search, single messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.mailbox import Message
from loopback.world.registry import Caller, answers


class History:
    """Answers from the mailboxes; changes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @answers(f.messages.GetDialogsRequest)
    def dialogs(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getDialogs``: all of them at once, newest first."""
        me, render = caller.account, self._context.render
        tops: dict[Chat | Account, Message | None] = {chat: _newest(chat) for chat in self._context.chats.of(me.id)}
        tops |= {message.peer: message for message in me.mailbox.messages.values()}
        peers = sorted(tops, key=lambda peer: _date(tops[peer]), reverse=True)
        messages = [message for peer in peers if (message := tops[peer])]
        return t.messages.Dialogs(
            dialogs=[_dialog(peer, tops[peer]) for peer in peers],
            messages=[render.message(message, me) for message in messages],
            chats=[render.chat(peer, me) for peer in peers if isinstance(peer, Chat)],
            users=self._people(me, [peer for peer in peers if isinstance(peer, Account)], messages),
        )

    @answers(f.messages.GetHistoryRequest)
    def history(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getHistory``."""
        return self._page(caller, request, lambda _: True)

    @answers(f.messages.SearchRequest)
    def search(self, caller: Caller, request: Tl) -> Tl:
        """``messages.search``: by text and sender."""
        sender = self._context.peers.user(caller, request.from_id) if request.from_id else None
        text = request.q.lower()
        return self._page(caller, request, lambda m: text in m.content.text.lower() and sender in (None, m.content.sender))

    @answers(f.channels.GetMessagesRequest)
    def of_chat(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getMessages``."""
        chat = self._context.peers.chat(caller, request.channel)
        return self._answer(caller.account, chat, [chat.mailbox.messages.get(i) for i in _numbers(request)])

    @answers(f.messages.GetMessagesRequest)
    def of_mailbox(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getMessages``: private messages only."""
        return self._answer(caller.account, None, [caller.account.mailbox.messages.get(i) for i in _numbers(request)])

    def _page(self, caller: Caller, request: Tl, wanted: Callable[[Message], bool]) -> Tl:
        where = self._context.peers.resolve(caller, request.peer)
        mailbox = where.mailbox if isinstance(where, Chat) else caller.account.mailbox
        found = [m for m in mailbox.messages.values() if m.peer is where and wanted(m)]
        found.sort(key=lambda message: -message.id)
        page = _cut(found, request)
        return self._answer(caller.account, where, page, len(found))

    def _answer(self, viewer: Account, where: Chat | Account | None, found: Sequence[Message | None], total: int | None = None) -> Tl:
        render = self._context.render
        messages = [render.message(message, viewer) if message else t.MessageEmpty(0) for message in found]
        present = [message for message in found if message]
        if isinstance(where, Chat):
            return t.messages.ChannelMessages(
                pts=where.mailbox.pts,
                count=len(found) if total is None else total,
                messages=messages,
                topics=[],
                chats=[render.chat(where, viewer)],
                users=self._people(viewer, [], present),
            )
        people = [where] if where else []
        return t.messages.Messages(messages=messages, topics=[], chats=[], users=self._people(viewer, people, present))

    def _people(self, viewer: Account, known: Iterable[Account], messages: Iterable[Message]) -> list[Tl]:
        render = self._context.render
        in_full = dict.fromkeys([viewer, *known, *(m.peer for m in messages if isinstance(m.peer, Account))])
        passing = [m.content.sender for m in messages if m.content.sender not in in_full]
        return [render.user(a, viewer) for a in in_full] + [render.passer_by(a, viewer) for a in dict.fromkeys(passing)]


def _newest(chat: Chat) -> Message | None:
    return next(reversed(chat.mailbox.messages.values()), None)


def _date(message: Message | None) -> int:
    return message.content.date if message else 0


def _dialog(peer: Chat | Account, top: Message | None) -> Tl:
    is_chat = isinstance(peer, Chat)
    return t.Dialog(
        peer=t.PeerChannel(peer.id) if is_chat else t.PeerUser(peer.id),
        top_message=top.id if top else 0,
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=t.PeerNotifySettings(),
        pts=peer.mailbox.pts if is_chat else None,
    )


def _numbers(request: Tl) -> list[int]:
    return [wanted.id for wanted in request.id if isinstance(wanted, t.InputMessageID)]


def _cut(newest_first: list[Message], request: Tl) -> list[Message]:
    """The page that ``offset_id``, ``add_offset``, ``limit``, ``max_id`` and ``min_id`` describe."""
    start = 0
    if request.offset_id:
        start = sum(message.id >= request.offset_id for message in newest_first)
    start += request.add_offset
    page = newest_first[max(0, start) : max(0, start + request.limit)]
    return [m for m in page if (not request.max_id or m.id < request.max_id) and m.id > request.min_id]
