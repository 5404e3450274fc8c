"""Looking back: dialogs, history, search, single messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.conversations import Place, mailbox_of
from loopback.world.mailbox import Message
from loopback.world.posting import others_of, people_of
from loopback.world.registry import Caller, answers


class History:
    """Answers from the mailboxes; changes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @answers(f.messages.GetDialogsRequest)
    def dialogs(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getDialogs``: all of them at once, newest first. A basic group that one is out of stays among them."""
        me, render = caller.account, self._context.render
        tops: dict[Place, Message | None] = {chat: _newest(chat) for chat in self._context.chats.of(me.id)}
        tops |= {message.peer: message for message in me.mailbox.messages.values()}
        peers = sorted(tops, key=lambda peer: _date(tops[peer]), reverse=True)
        messages = [message for peer in peers if (message := tops[peer])]
        return t.messages.Dialogs(
            dialogs=[dialog_of(peer, tops[peer]) for peer in peers],
            messages=[render.message(message, me) for message in messages],
            chats=self.chats_of(me, [peer for peer in peers if isinstance(peer, Chat)], messages),
            users=self.people_of(me, [peer for peer in peers if isinstance(peer, Account)], messages),
        )

    @answers(f.messages.GetPeerDialogsRequest)
    def peer_dialogs(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getPeerDialogs``: some of them."""
        me, render = caller.account, self._context.render
        peers = [self._context.peers.resolve(caller, dialog.peer) for dialog in request.peers if isinstance(dialog, t.InputDialogPeer)]
        tops = {peer: next((m for m in reversed(mailbox_of(peer, me).messages.values()) if m.peer is peer), None) for peer in peers}
        messages = [message for message in tops.values() if message]
        return t.messages.PeerDialogs(
            dialogs=[dialog_of(peer, tops[peer]) for peer in peers],
            messages=[render.message(message, me) for message in messages],
            chats=self.chats_of(me, [peer for peer in peers if isinstance(peer, Chat)], messages),
            users=self.people_of(me, [peer for peer in peers if isinstance(peer, Account)], messages),
            state=t.updates.State(pts=me.mailbox.pts, qts=0, date=int(self._context.now()), seq=0, unread_count=0),
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
    def of_channel(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getMessages``."""
        chat = self._context.peers.chat(caller, request.channel)
        return self._answer(caller.account, chat, _asked(chat.mailbox.messages, request))

    @answers(f.messages.GetMessagesRequest)
    def of_mailbox(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getMessages``: of private chats and basic groups."""
        return self._answer(caller.account, None, _asked(caller.account.mailbox.messages, request))

    def _page(self, caller: Caller, request: Tl, wanted: Callable[[Message], bool]) -> Tl:
        where = self._context.peers.resolve(caller, request.peer)
        found = [m for m in mailbox_of(where, caller.account).messages.values() if m.peer is where and wanted(m)]
        found.sort(key=lambda message: -message.id)
        page = _cut(found, request)
        return self._answer(caller.account, where, page, len(found))

    def _answer(self, viewer: Account, where: Place | None, found: Sequence[Message | int], total: int | None = None) -> Tl:
        render = self._context.render
        messages = [t.MessageEmpty(message, None) if isinstance(message, int) else render.message(message, viewer) for message in found]
        present = [message for message in found if not isinstance(message, int)]
        chats = self.chats_of(viewer, [where] if isinstance(where, Chat) else [], present)
        users = self.people_of(viewer, [where] if isinstance(where, Account) else [], present)
        if isinstance(where, Chat) and not where.is_basic:
            count = len(found) if total is None else total
            return t.messages.ChannelMessages(pts=where.mailbox.pts, count=count, messages=messages, topics=[], chats=chats, users=users)
        return t.messages.Messages(messages=messages, topics=[], chats=chats, users=users)

    def people_of(self, viewer: Account, known: Iterable[Account], messages: Iterable[Message]) -> list[Tl]:
        """Everybody that messages speak of; partners of private chats in full, people met in chats as passers-by."""
        render = self._context.render
        in_full = dict.fromkeys([viewer, *known, *(m.peer for m in messages if isinstance(m.peer, Account))])
        passing = dict.fromkeys(person for message in messages for person in people_of(message) if person not in in_full)
        return [render.user(a, viewer) for a in in_full] + [render.passer_by(a, viewer) for a in passing]

    def chats_of(self, viewer: Account, known: Iterable[Chat], messages: Iterable[Message]) -> list[Tl]:
        """All chats that messages are in or speak of."""
        spoken_of = [chat for m in messages for chat in (m.peer, *others_of(m)) if isinstance(chat, Chat)]
        return [self._context.render.chat(chat, viewer) for chat in dict.fromkeys([*known, *spoken_of])]


def _newest(chat: Chat) -> Message | None:
    return None if chat.is_basic else next(reversed(chat.mailbox.messages.values()), None)


def _date(message: Message | None) -> int:
    return message.content.date if message else 0


def dialog_of(peer: Place, top: Message | None) -> Tl:
    """A line of the list of conversations."""
    numbered = isinstance(peer, Chat) and not peer.is_basic
    return t.Dialog(
        peer=peer.peer if isinstance(peer, Chat) else t.PeerUser(peer.id),
        top_message=top.id if top else 0,
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=t.PeerNotifySettings(),
        pts=peer.mailbox.pts if numbered else None,
    )


def _asked(messages: dict[int, Message], request: Tl) -> list[Message | int]:
    """The messages of a list of numbers; the number itself where there is none."""
    return [messages.get(wanted.id, wanted.id) for wanted in request.id if isinstance(wanted, t.InputMessageID)]


def _cut(newest_first: list[Message], request: Tl) -> list[Message]:
    """The page that ``offset_id``, ``add_offset``, ``limit``, ``max_id`` and ``min_id`` describe."""
    start = 0
    if request.offset_id:
        start = sum(message.id >= request.offset_id for message in newest_first)
    start += request.add_offset
    page = newest_first[max(0, start) : max(0, start + request.limit)]
    return [m for m in page if (not request.max_id or m.id < request.max_id) and m.id > request.min_id]
