"""What people do with messages besides writing them: reading, playing, typing."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.mailbox import Message
from loopback.world.registry import Caller, answers


class Attention:
    """Read marks are taken and forgotten; a voice note that was played is told to its sender; typing is seen by the others."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @answers(f.messages.ReadHistoryRequest)
    def read_private(self, caller: Caller, request: Tl) -> Tl:
        """``messages.readHistory``: nothing is counted."""
        return t.messages.AffectedMessages(caller.account.mailbox.pts, 0)

    @answers(f.channels.ReadHistoryRequest)
    def read_channel(self, caller: Caller, request: Tl) -> bool:
        """``channels.readHistory``: nothing is counted."""
        self._context.peers.chat(caller, request.channel)
        return True

    @answers(f.messages.ReadMessageContentsRequest)
    def played(self, caller: Caller, request: Tl) -> Tl:
        """``messages.readMessageContents``: voice and video notes of private chats and basic groups have been played."""
        for message in self._unheard(caller.account.mailbox.messages, request.id, caller):
            copy = message.copies[message.content.sender.id]
            self._tell(message, t.UpdateReadMessagesContents([copy.id], message.content.sender.mailbox.pts, 0))
        return t.messages.AffectedMessages(caller.account.mailbox.pts, 0)

    @answers(f.channels.ReadMessageContentsRequest)
    def played_in_channel(self, caller: Caller, request: Tl) -> bool:
        """``channels.readMessageContents``: the same of supergroups and channels."""
        chat = self._context.peers.chat(caller, request.channel)
        for message in self._unheard(chat.mailbox.messages, request.id, caller):
            self._tell(message, t.UpdateChannelReadMessagesContents(chat.id, [message.id]))
        return True

    def _unheard(self, messages: dict[int, Message], ids: list[int], caller: Caller) -> list[Message]:
        found = [messages[i] for i in ids if i in messages]
        return [message for message in found if message.content.unheard and message.content.sender is not caller.account]

    def _tell(self, message: Message, update: Tl) -> None:
        message.content.unheard = False
        chats = [message.peer] if isinstance(message.peer, Chat) else []
        self._context.delivery.to_account(message.content.sender, lambda _: [update], chats=chats)

    @answers(f.messages.SetTypingRequest)
    def typing(self, caller: Caller, request: Tl) -> bool:
        """``messages.setTyping``: the others see it. "Speaking" is for those in the voice chat."""
        where = self._context.peers.resolve(caller, request.peer)
        if not isinstance(where, Chat):
            self._type_to(caller, where, request.action)
            return True
        if where.restrictions_of(caller.id).send_messages:
            raise RpcFailure(403, "CHAT_WRITE_FORBIDDEN")
        if isinstance(request.action, t.SpeakingInGroupCallAction):
            self._note_speaking(caller, where)
        if not where.is_broadcast:
            self._type_in(caller, where, request.action)
        return True

    def _note_speaking(self, caller: Caller, chat: Chat) -> None:
        participant = chat.call.participants.get(caller.id) if chat.call else None
        if participant is None:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        participant.active_at = int(self._context.now())

    def _type_to(self, caller: Caller, to: Tl, action: Tl) -> None:
        if to is not caller.account:
            now = int(self._context.now())
            self._context.delivery.raw(to, lambda: t.UpdateShort(t.UpdateUserTyping(caller.id, action), now))

    def _type_in(self, caller: Caller, chat: Chat, action: Tl) -> None:
        me = caller.account
        author = chat.peer if chat.is_anonymous(me.id) else t.PeerUser(me.id)
        update = (t.UpdateChatUserTyping if chat.is_basic else t.UpdateChannelUserTyping)(chat.id, author, action)
        people = [] if chat.is_anonymous(me.id) else [me]
        for account_id in chat.member_ids:
            if account_id != me.id:
                self._context.delivery.to_account(self._context.accounts.of_id(account_id), lambda _: [update], people, [chat])
