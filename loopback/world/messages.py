"""Sending, editing, deleting and reading messages; typing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.session import Session
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.files import Files
from loopback.world.mailbox import Content, Mailbox, Message
from loopback.world.registry import Caller, answers

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
EDIT_LIMIT_S: Final = 172_800
REMEMBERED_SENDS: Final = 5_000


class Messages:
    """Stores and delivers messages, whoever asks for it."""

    def __init__(self, context: Context, files: Files) -> None:
        self._context = context
        self._files = files
        self._sent: OrderedDict[tuple[int, int], Tl] = OrderedDict()

    # --- storing and delivering -------------------------------------------------------------------------------
    def post_to_chat(self, chat: Chat, content: Content, reply_to: int | None = None, skip: Session | None = None) -> tuple[Message, Tl]:
        """A new message in a group; with the update that tells its sender of it."""
        message = chat.mailbox.add(chat, content, reply_to)
        pts, render = chat.mailbox.pts, self._context.render

        def update(viewer: Account) -> list[Tl]:
            return [t.UpdateNewChannelMessage(render.message(message, viewer), pts, 1)]

        self._context.delivery.to_chat(chat, update, _people_of(message), skip)
        return message, update(content.sender)[0]

    def post_to_account(self, to: Account, content: Content, reply_to: int | None = None, skip: Session | None = None) -> Message:
        """A new private message, in both mailboxes; as the sender's numbers it."""
        sender = content.sender
        mine = sender.mailbox.add(to, content, reply_to, out=True)
        self._tell_owner(sender, mine, skip)
        if to is not sender:
            sender.correspondents.add(to.id)
            to.correspondents.add(sender.id)
            theirs = to.mailbox.add(sender, content, _number_for_twin(sender.mailbox, reply_to))
            mine.twin, theirs.twin = theirs, mine
            self._tell_owner(to, theirs, None)
        return mine

    def post(self, where: Chat | Account, sender: Account, text: str = "", *, media: Tl = None, action: Tl = None) -> Message:
        """A message that no client has asked for, delivered to everybody."""
        content = Content(sender, int(self._context.now()), text, media=media, action=action)
        if isinstance(where, Chat):
            return self.post_to_chat(where, content)[0]
        return self.post_to_account(where, content)

    def _tell_owner(self, owner: Account, message: Message, skip: Session | None) -> None:
        pts = owner.mailbox.pts
        if self._context.settings.short_updates and _fits_short(message):
            self._context.delivery.raw(owner, lambda: self._short_push(message, pts), skip)
            return
        self._context.delivery.to_account(
            owner, lambda viewer: [t.UpdateNewMessage(self._context.render.message(message, viewer), pts, 1)], _people_of(message), (), skip
        )

    def _short_push(self, message: Message, pts: int) -> Tl:
        content = message.content
        return t.UpdateShortMessage(
            id=message.id,
            user_id=message.peer.id,
            message=content.text,
            pts=pts,
            pts_count=1,
            date=content.date,
            out=message.out,
            reply_to=self._context.render.reply_header(message),
            entities=content.entities,
        )

    # --- sending ----------------------------------------------------------------------------------------------
    @answers(f.messages.SendMessageRequest)
    def send_text(self, caller: Caller, request: Tl) -> Tl:
        """``messages.sendMessage``."""
        if not request.message:
            raise RpcFailure(400, "MESSAGE_EMPTY")
        if len(request.message) > MAX_TEXT:
            raise RpcFailure(400, "MESSAGE_TOO_LONG")
        return self._send(caller, request, None)

    @answers(f.messages.SendMediaRequest)
    def send_media(self, caller: Caller, request: Tl) -> Tl:
        """``messages.sendMedia``."""
        if len(request.message) > MAX_CAPTION:
            raise RpcFailure(400, "MEDIA_CAPTION_TOO_LONG")
        done = self._sent.get((caller.id, request.random_id))
        return done or self._send(caller, request, self._files.media(caller, request.media))

    def _send(self, caller: Caller, request: Tl, media: Tl) -> Tl:
        where = self._context.peers.resolve(caller, request.peer)
        # A request that was sent again after a reconnect is answered as before and makes no second message.
        done = self._sent.get((caller.id, request.random_id))
        if done is not None:
            return done
        reply_to = request.reply_to.reply_to_msg_id if isinstance(request.reply_to, t.InputReplyToMessage) else None
        content = Content(caller.account, int(self._context.now()), request.message, media, request.entities)
        if isinstance(where, Chat):
            answer = self._sent_to_chat(caller, where, content, reply_to, request.random_id)
        else:
            answer = self._sent_to_account(caller, where, content, reply_to, request.random_id)
        self._sent[caller.id, request.random_id] = answer
        while len(self._sent) > REMEMBERED_SENDS:
            self._sent.popitem(last=False)
        return answer

    def _sent_to_chat(self, caller: Caller, chat: Chat, content: Content, reply_to: int | None, random_id: int) -> Tl:
        message, update = self.post_to_chat(chat, content, reply_to, caller.session)
        return self._context.render.bundle(caller.account, [t.UpdateMessageID(message.id, random_id), update], [caller.account], [chat])

    def _sent_to_account(self, caller: Caller, to: Account, content: Content, reply_to: int | None, random_id: int) -> Tl:
        message = self.post_to_account(to, content, reply_to, caller.session)
        pts = caller.account.mailbox.pts
        if self._context.settings.short_updates and _fits_short(message):
            return t.UpdateShortSentMessage(
                id=message.id, pts=pts, pts_count=1, date=content.date, out=True, media=None, entities=content.entities
            )
        update = t.UpdateNewMessage(self._context.render.message(message, caller.account), pts, 1)
        return self._context.render.bundle(caller.account, [t.UpdateMessageID(message.id, random_id), update], [caller.account, to])

    # --- editing ----------------------------------------------------------------------------------------------
    @answers(f.messages.EditMessageRequest)
    def edit(self, caller: Caller, request: Tl) -> Tl:
        """``messages.editMessage``: one's own, for 48 hours."""
        where = self._context.peers.resolve(caller, request.peer)
        mailbox = where.mailbox if isinstance(where, Chat) else caller.account.mailbox
        message = mailbox.messages.get(request.id)
        if message is None or message.content.action is not None:
            raise RpcFailure(400, "MESSAGE_ID_INVALID")
        self._check_edit(caller, message, request)
        message.content.text, message.content.entities = request.message, request.entities
        message.content.edit_date = int(self._context.now())
        if isinstance(where, Chat):
            return self._edited_in_chat(caller, where, message)
        return self._edited_in_private(caller, message)

    def _check_edit(self, caller: Caller, message: Message, request: Tl) -> None:
        content = message.content
        if content.sender is not caller.account:
            raise RpcFailure(403, "MESSAGE_AUTHOR_REQUIRED")
        if self._context.now() - content.date > EDIT_LIMIT_S and message.peer is not caller.account:
            raise RpcFailure(400, "MESSAGE_EDIT_TIME_EXPIRED")
        if len(request.message) > (MAX_CAPTION if content.media else MAX_TEXT):
            raise RpcFailure(400, "MESSAGE_TOO_LONG")
        if request.message == content.text and (request.entities or []) == (content.entities or []):
            raise RpcFailure(400, "MESSAGE_NOT_MODIFIED")

    def _edited_in_chat(self, caller: Caller, chat: Chat, message: Message) -> Tl:
        chat.mailbox.edited(message)
        pts, render = chat.mailbox.pts, self._context.render

        def update(viewer: Account) -> list[Tl]:
            return [t.UpdateEditChannelMessage(render.message(message, viewer), pts, 1)]

        self._context.delivery.to_chat(chat, update, [caller.account], caller.session)
        return render.bundle(caller.account, update(caller.account), [caller.account], [chat])

    def _edited_in_private(self, caller: Caller, message: Message) -> Tl:
        mine = self._edit_update(caller.account, message)
        people = _people_of(message)
        self._context.delivery.to_account(caller.account, lambda _: [mine], people, (), caller.session)
        if message.twin is not None and isinstance(message.peer, Account):
            theirs = self._edit_update(message.peer, message.twin)
            self._context.delivery.to_account(message.peer, lambda _: [theirs], people)
        return self._context.render.bundle(caller.account, [mine], people)

    def _edit_update(self, owner: Account, message: Message) -> Tl:
        owner.mailbox.edited(message)
        return t.UpdateEditMessage(self._context.render.message(message, owner), owner.mailbox.pts, 1)

    # --- deleting ---------------------------------------------------------------------------------------------
    @answers(f.channels.DeleteMessagesRequest)
    def delete_in_chat(self, caller: Caller, request: Tl) -> Tl:
        """``channels.deleteMessages``: one's own, or anybody's with the right to."""
        chat = self._context.peers.chat(caller, request.channel)
        messages = [chat.mailbox.messages[i] for i in request.id if i in chat.mailbox.messages]
        rights = chat.rights_of(caller.id)
        if any(m.content.sender is not caller.account for m in messages) and not (rights and rights.delete_messages):
            raise RpcFailure(403, "MESSAGE_DELETE_FORBIDDEN")
        gone = chat.mailbox.delete(request.id)
        pts, ids = chat.mailbox.pts, [message.id for message in gone]
        if gone:
            self._context.delivery.to_chat(
                chat, lambda _: [t.UpdateDeleteChannelMessages(chat.id, ids, pts, len(ids))], skip=caller.session
            )
        return t.messages.AffectedMessages(pts, len(gone))

    @answers(f.messages.DeleteMessagesRequest)
    def delete_in_private(self, caller: Caller, request: Tl) -> Tl:
        """``messages.deleteMessages``: private messages only; numbers of group messages name nothing here."""
        gone = self._delete_own(caller.account, request.id, caller.session)
        if request.revoke:
            for message in gone:
                if message.twin is not None and isinstance(message.peer, Account):
                    self._delete_own(message.peer, [message.twin.id], None)
        return t.messages.AffectedMessages(caller.account.mailbox.pts, len(gone))

    def _delete_own(self, owner: Account, ids: list[int], skip: Session | None) -> list[Message]:
        gone = owner.mailbox.delete(ids)
        pts, numbers = owner.mailbox.pts, [message.id for message in gone]
        if gone:
            self._context.delivery.to_account(owner, lambda _: [t.UpdateDeleteMessages(numbers, pts, len(numbers))], skip=skip)
        return gone

    # --- reading and typing -----------------------------------------------------------------------------------
    @answers(f.messages.ReadHistoryRequest)
    def read_private(self, caller: Caller, request: Tl) -> Tl:
        """``messages.readHistory``: nothing is counted."""
        return t.messages.AffectedMessages(caller.account.mailbox.pts, 0)

    @answers(f.messages.ReadMessageContentsRequest)
    def read_contents(self, caller: Caller, request: Tl) -> Tl:
        """``messages.readMessageContents``: nothing is counted."""
        return t.messages.AffectedMessages(caller.account.mailbox.pts, 0)

    @answers(f.channels.ReadHistoryRequest, f.channels.ReadMessageContentsRequest)
    def read_chat(self, caller: Caller, request: Tl) -> bool:
        """``channels.readHistory`` and ``channels.readMessageContents``: nothing is counted."""
        self._context.peers.chat(caller, request.channel)
        return True

    @answers(f.messages.SetTypingRequest)
    def typing(self, caller: Caller, request: Tl) -> bool:
        """``messages.setTyping``: the others see it."""
        where = self._context.peers.resolve(caller, request.peer)
        me = caller.account
        if isinstance(where, Chat):
            update = t.UpdateChannelUserTyping(where.id, t.PeerUser(me.id), request.action)
            for account_id in where.member_ids:
                if account_id != me.id:
                    self._context.delivery.to_account(self._context.accounts.of_id(account_id), lambda _: [update], [me], [where])
        elif where is not me:
            now = int(self._context.now())
            self._context.delivery.raw(where, lambda: t.UpdateShort(t.UpdateUserTyping(me.id, request.action), now))
        return True


def _fits_short(message: Message) -> bool:
    return message.content.media is None and message.content.action is None


def _people_of(message: Message) -> list[Account]:
    people = [message.content.sender]
    return people if isinstance(message.peer, Chat) else [*people, message.peer]


def _number_for_twin(mailbox: Mailbox, reply_to: int | None) -> int | None:
    replied = mailbox.messages.get(reply_to) if reply_to else None
    return replied.twin.id if replied and replied.twin else None
