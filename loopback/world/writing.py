"""Who may write where, as whom, and how often."""

from __future__ import annotations

from math import ceil

from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.conversations import Place
from loopback.world.registry import Caller


class WritingRules:
    """Checks before a message is taken; nothing is stored but when somebody last wrote in slow mode."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def check(self, caller: Caller, where: Place, media: Tl) -> None:
        """Whether the caller may write this there, now.

        :raises RpcFailure: CHAT_ADMIN_REQUIRED, CHAT_WRITE_FORBIDDEN, CHAT_SEND_VOICES_FORBIDDEN, SLOWMODE_WAIT_X.
        """
        if not isinstance(where, Chat):
            return
        self._check_rights(caller, where, media)
        self._check_slow_mode(caller, where)

    def author(self, caller: Caller, where: Place, send_as: Tl) -> Chat | None:
        """The chat as which the caller writes, or None for the caller's own name.

        :raises RpcFailure: SEND_AS_PEER_INVALID.
        """
        if not isinstance(where, Chat) or where.is_broadcast:
            return None
        if send_as is None:
            return where if where.is_anonymous(caller.id) else None
        if isinstance(send_as, t.InputPeerSelf) or getattr(send_as, "user_id", None) == caller.id:
            return None
        chat = self._context.peers.resolve(caller, send_as)
        own = isinstance(chat, Chat) and (chat.is_anonymous(caller.id) if chat is where else chat.is_broadcast and chat.is_admin(caller.id))
        if not own:
            raise RpcFailure(400, "SEND_AS_PEER_INVALID")
        return chat if isinstance(chat, Chat) else None

    def _check_rights(self, caller: Caller, chat: Chat, media: Tl) -> None:
        rights, restrictions = chat.rights_of(caller.id), chat.restrictions_of(caller.id)
        if chat.is_broadcast and not (rights and rights.post_messages):
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        if restrictions.send_messages:
            raise RpcFailure(403, "CHAT_WRITE_FORBIDDEN")
        if restrictions.send_voices and getattr(media, "voice", False):
            raise RpcFailure(403, "CHAT_SEND_VOICES_FORBIDDEN")

    def _check_slow_mode(self, caller: Caller, chat: Chat) -> None:
        if not chat.slow_mode_s or chat.is_admin(caller.id):
            return
        now = self._context.now()
        left_s = chat.wrote_at.get(caller.id, 0.0) + chat.slow_mode_s - now
        if left_s > 0:
            raise RpcFailure(420, f"SLOWMODE_WAIT_{ceil(left_s)}")
        chat.wrote_at[caller.id] = now
