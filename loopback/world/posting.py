"""Storing messages and telling everybody of them, whoever has asked for it."""

from __future__ import annotations

from collections.abc import Iterable

from telethon.tl import types as t

from loopback.mtproto.session import Session
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.conversations import Place
from loopback.world.mailbox import Content, Mailbox, Message


class Posting:
    """In supergroups and channels there is one message for all; in private chats and basic groups each has a copy with its own number."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def post(
        self,
        where: Place,
        content: Content,
        reply_to: int | None = None,
        skip: Session | None = None,
        also: Iterable[Account] = (),
    ) -> Message:
        """A new message; as its sender numbers it. ``reply_to`` is in the sender's numbers too.

        ``also`` get a copy of a basic group's message although they are not (any more) in it.
        """
        if isinstance(where, Chat) and not where.is_basic:
            return self._to_channel(where, content, reply_to, skip)
        return self._copies(where, content, reply_to, skip, also)[content.sender.id]

    def service(self, where: Place, sender: Account, action: Tl, also: Iterable[Account] = ()) -> Message:
        """A service message."""
        return self.post(where, Content(sender, int(self._context.now()), action=action), also=also)

    def notify(self, account: Account, text: str) -> None:
        """A private message of the service itself."""
        self.post(account, Content(self._context.accounts.service, int(self._context.now()), text))

    def update_new(self, message: Message, viewer: Account) -> Tl:
        """What tells somebody of the newest message of its mailbox."""
        shown = self._context.render.message(message, viewer)
        if isinstance(message.peer, Chat) and not message.peer.is_basic:
            return t.UpdateNewChannelMessage(shown, message.peer.mailbox.pts, 1)
        return t.UpdateNewMessage(shown, viewer.mailbox.pts, 1)

    # --- supergroups and channels -----------------------------------------------------------------------------
    def _to_channel(self, chat: Chat, content: Content, reply_to: int | None, skip: Session | None) -> Message:
        message = chat.mailbox.add(chat, content, reply_to)
        self._context.delivery.to_chat(
            chat, lambda viewer: [self.update_new(message, viewer)], people_of(message), skip, others_of(message)
        )
        return message

    # --- private chats and basic groups -----------------------------------------------------------------------
    def _copies(
        self, where: Place, content: Content, reply_to: int | None, skip: Session | None, also: Iterable[Account]
    ) -> dict[int, Message]:
        sender = content.sender
        answered = sender.mailbox.messages.get(reply_to) if reply_to else None
        copies: dict[int, Message] = {}
        for owner in self._owners(where, sender, also):
            peer = where if isinstance(where, Chat) or owner is sender else sender
            copy = owner.mailbox.add(peer, content, _number_for(owner, answered), out=owner is sender)
            copy.copies = copies
            copies[owner.id] = copy
            self._tell_owner(owner, copy, skip if owner is sender else None)
        return copies

    def _owners(self, where: Place, sender: Account, also: Iterable[Account]) -> list[Account]:
        if isinstance(where, Chat):
            members = [self._context.accounts.of_id(account_id) for account_id in where.member_ids]
            return list(dict.fromkeys([sender, *members, *also]))
        sender.correspondents.add(where.id)
        where.correspondents.add(sender.id)
        return list(dict.fromkeys([sender, where]))

    def _tell_owner(self, owner: Account, message: Message, skip: Session | None) -> None:
        if self.fits_short(message):
            push = self._short_push(message, owner.mailbox)
            self._context.delivery.raw(owner, lambda: push, skip)
            return
        update = self.update_new(message, owner)
        chats = [message.peer] if isinstance(message.peer, Chat) else []
        self._context.delivery.to_account(owner, lambda _: [update], people_of(message), chats, skip)

    def fits_short(self, message: Message) -> bool:
        """Whether a private or basic-group message travels as one of the short updates, which carry no users and chats."""
        content = message.content
        return self._context.settings.short_updates and content.media is None and content.action is None

    def _short_push(self, message: Message, mailbox: Mailbox) -> Tl:
        content, render = message.content, self._context.render
        common = {
            "id": message.id,
            "message": content.text,
            "pts": mailbox.pts,
            "pts_count": 1,
            "date": content.date,
            "out": message.out,
            "reply_to": render.reply_header(message),
            "entities": content.entities,
            "fwd_from": render.forward_header(content),
            "via_bot_id": content.via_bot.id if content.via_bot else None,
        }
        if isinstance(message.peer, Chat):
            return t.UpdateShortChatMessage(from_id=content.sender.id, chat_id=message.peer.id, **common)
        return t.UpdateShortMessage(user_id=message.peer.id, **common)

    # --- changes ----------------------------------------------------------------------------------------------
    def edited(self, owner: Account, message: Message, skip: Session | None = None) -> Tl:
        """Tell everybody that a message reads differently; the update for ``owner``'s own answer."""
        if isinstance(message.peer, Chat) and not message.peer.is_basic:
            return self._edited_in_channel(owner, message, message.peer, skip)
        updates = {}
        for owner_id, copy in message.copies.items():
            reader = self._context.accounts.of_id(owner_id)
            if copy.id in reader.mailbox.messages:
                updates[owner_id] = self._edited_copy(reader, copy, skip if reader is owner else None)
        return updates[owner.id]

    def _edited_in_channel(self, owner: Account, message: Message, chat: Chat, skip: Session | None) -> Tl:
        chat.mailbox.edited(message)
        pts, render = chat.mailbox.pts, self._context.render

        def update(viewer: Account) -> Tl:
            return t.UpdateEditChannelMessage(render.message(message, viewer), pts, 1)

        self._context.delivery.to_chat(chat, lambda viewer: [update(viewer)], people_of(message), skip, others_of(message))
        return update(owner)

    def _edited_copy(self, reader: Account, copy: Message, skip: Session | None) -> Tl:
        reader.mailbox.edited(copy)
        update = t.UpdateEditMessage(self._context.render.message(copy, reader), reader.mailbox.pts, 1)
        chats = [copy.peer] if isinstance(copy.peer, Chat) else []
        self._context.delivery.to_account(reader, lambda _: [update], people_of(copy), chats, skip)
        return update

    def delete_from_channel(self, chat: Chat, ids: list[int], skip: Session | None = None) -> list[Message]:
        """Remove messages for everybody; those that were there."""
        gone = chat.mailbox.delete(ids)
        pts, numbers = chat.mailbox.pts, [message.id for message in gone]
        if gone:
            update = t.UpdateDeleteChannelMessages(chat.id, numbers, pts, len(numbers))
            self._context.delivery.to_chat(chat, lambda _: [update], skip=skip)
        return gone

    def delete_copies(self, owner: Account, ids: list[int], skip: Session | None = None) -> list[Message]:
        """Remove messages from one person's mailbox; those that were there."""
        gone = owner.mailbox.delete(ids)
        pts, numbers = owner.mailbox.pts, [message.id for message in gone]
        if gone:
            self._context.delivery.to_account(owner, lambda _: [t.UpdateDeleteMessages(numbers, pts, len(numbers))], skip=skip)
        return gone


def people_of(message: Message) -> list[Account]:
    """Whom an update about a message describes; those who write as a chat stay hidden."""
    content = message.content
    hidden = content.as_chat is not None or (isinstance(message.peer, Chat) and message.peer.is_broadcast)
    people = [] if hidden else [content.sender]
    people += [message.peer] if isinstance(message.peer, Account) else []
    return people + [other for other in (content.forwarded_from, content.via_bot) if other is not None]


def others_of(message: Message) -> list[Chat]:
    """The chats it speaks of besides the one it is in."""
    as_chat = message.content.as_chat
    return [] if as_chat is None or as_chat is message.peer else [as_chat]


def _number_for(owner: Account, answered: Message | None) -> int | None:
    copy = answered.copies.get(owner.id) if answered else None
    return copy.id if copy else None
