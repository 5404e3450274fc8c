"""The methods that send, edit and delete messages."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.conversations import Place, mailbox_of
from loopback.world.files import Files, is_note
from loopback.world.mailbox import Content, Message
from loopback.world.posting import Posting, others_of, people_of
from loopback.world.registry import Caller, answers
from loopback.world.writing import WritingRules

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
EDIT_LIMIT_S: Final = 172_800
REMEMBERED_SENDS: Final = 5_000


class Messages:
    """Checks, then :class:`Posting`."""

    def __init__(self, context: Context, posting: Posting, files: Files) -> None:
        self._context = context
        self._posting = posting
        self._files = files
        self._rules = WritingRules(context)
        self._sent: OrderedDict[tuple[int, int], Tl] = OrderedDict()

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
        answer = self._sent[caller.id, request.random_id] = self._posted(caller, where, request, media)
        while len(self._sent) > REMEMBERED_SENDS:
            self._sent.popitem(last=False)
        return answer

    def _posted(self, caller: Caller, where: Place, request: Tl, media: Tl) -> Tl:
        self._rules.check(caller, where, media)
        as_chat = self._rules.author(caller, where, request.send_as)
        content = Content(
            caller.account, int(self._context.now()), request.message, media, request.entities, as_chat=as_chat, unheard=is_note(media)
        )
        message = self._posting.post(where, content, self._answered(caller, where, request.reply_to), caller.session)
        if (isinstance(where, Account) or where.is_basic) and self._posting.fits_short(message):
            return t.UpdateShortSentMessage(
                id=message.id,
                pts=caller.account.mailbox.pts,
                pts_count=1,
                date=content.date,
                out=True,
                media=None,
                entities=content.entities,
            )
        updates = [t.UpdateMessageID(message.id, request.random_id), self._posting.update_new(message, caller.account)]
        return self._bundle(caller, where, message, updates)

    def _answered(self, caller: Caller, where: Place, reply_to: Tl) -> int | None:
        """The number of the message that is answered.

        :raises RpcFailure: REPLY_MESSAGE_ID_INVALID.
        """
        if not isinstance(reply_to, t.InputReplyToMessage):
            return None
        answered = mailbox_of(where, caller.account).messages.get(reply_to.reply_to_msg_id)
        if answered is None or answered.peer is not where:
            raise RpcFailure(400, "REPLY_MESSAGE_ID_INVALID")
        return answered.id

    def _bundle(self, caller: Caller, where: Place, message: Message, updates: list[Tl]) -> Tl:
        chats = [where, *others_of(message)] if isinstance(where, Chat) else []
        return self._context.render.bundle(caller.account, updates, [caller.account, *people_of(message)], chats)

    # --- editing ----------------------------------------------------------------------------------------------
    @answers(f.messages.EditMessageRequest)
    def edit(self, caller: Caller, request: Tl) -> Tl:
        """``messages.editMessage``: one's own, for 48 hours."""
        where = self._context.peers.resolve(caller, request.peer)
        message = mailbox_of(where, caller.account).messages.get(request.id)
        if message is None or message.peer is not where or message.content.action is not None:
            raise RpcFailure(400, "MESSAGE_ID_INVALID")
        self._check_edit(caller, message, request)
        message.content.text, message.content.entities = request.message, request.entities
        message.content.edit_date = int(self._context.now())
        update = self._posting.edited(caller.account, message, caller.session)
        return self._bundle(caller, where, message, [update])

    def _check_edit(self, caller: Caller, message: Message, request: Tl) -> None:
        content = message.content
        if content.sender is not caller.account or content.forwarded_from is not None:
            raise RpcFailure(403, "MESSAGE_AUTHOR_REQUIRED")
        if isinstance(message.peer, Chat) and message.peer.restrictions_of(caller.id).send_messages:
            raise RpcFailure(403, "CHAT_WRITE_FORBIDDEN")
        if self._context.now() - content.date > EDIT_LIMIT_S and message.peer is not caller.account:
            raise RpcFailure(400, "MESSAGE_EDIT_TIME_EXPIRED")
        if len(request.message) > (MAX_CAPTION if content.media else MAX_TEXT):
            raise RpcFailure(400, "MESSAGE_TOO_LONG")
        if request.message == content.text and (request.entities or []) == (content.entities or []):
            raise RpcFailure(400, "MESSAGE_NOT_MODIFIED")

    # --- deleting ---------------------------------------------------------------------------------------------
    @answers(f.channels.DeleteMessagesRequest)
    def delete_in_channel(self, caller: Caller, request: Tl) -> Tl:
        """``channels.deleteMessages``: one's own, or anybody's with the right to."""
        chat = self._context.peers.chat(caller, request.channel)
        messages = [chat.mailbox.messages[i] for i in request.id if i in chat.mailbox.messages]
        rights = chat.rights_of(caller.id)
        if any(m.content.sender is not caller.account for m in messages) and not (rights and rights.delete_messages):
            raise RpcFailure(403, "MESSAGE_DELETE_FORBIDDEN")
        gone = self._posting.delete_from_channel(chat, request.id, caller.session)
        return t.messages.AffectedMessages(chat.mailbox.pts, len(gone))

    @answers(f.messages.DeleteMessagesRequest)
    def delete_own(self, caller: Caller, request: Tl) -> Tl:
        """``messages.deleteMessages``: of private chats and basic groups; numbers of other messages name nothing here.

        For everybody (``revoke``) in a basic group: one's own, and others' by an admin.
        """
        if request.revoke:
            self._check_revoke(caller, request.id)
        gone = self._posting.delete_copies(caller.account, request.id, caller.session)
        if request.revoke:
            for owner_id, copy in [(i, c) for message in gone for i, c in message.copies.items() if i != caller.id]:
                self._posting.delete_copies(self._context.accounts.of_id(owner_id), [copy.id])
        return t.messages.AffectedMessages(caller.account.mailbox.pts, len(gone))

    @answers(f.messages.DeleteHistoryRequest)
    def delete_history(self, caller: Caller, request: Tl) -> Tl:
        """``messages.deleteHistory``: one's own side of a private chat or a basic group, also of one that one has left."""
        chat_id = getattr(request.peer, "chat_id", None)
        where = self._context.chats.get(chat_id) if chat_id else self._context.peers.resolve(caller, request.peer)
        mine = [m.id for m in caller.account.mailbox.messages.values() if m.peer is where]
        gone = self._posting.delete_copies(caller.account, mine, caller.session)
        return t.messages.AffectedHistory(caller.account.mailbox.pts, len(gone), 0)

    def _check_revoke(self, caller: Caller, ids: list[int]) -> None:
        for message in [caller.account.mailbox.messages[i] for i in ids if i in caller.account.mailbox.messages]:
            others = message.content.sender is not caller.account
            if others and isinstance(message.peer, Chat) and not message.peer.is_admin(caller.id):
                raise RpcFailure(403, "MESSAGE_DELETE_FORBIDDEN")
