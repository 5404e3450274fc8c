"""The methods ``messages.…Chat…``: basic groups, whose members see one list and whose admins have one right that holds all."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.chats import AdminRights, Chat, Role
from loopback.world.context import Context
from loopback.world.membership import Membership
from loopback.world.registry import Caller, answers


class BasicGroups:
    """Checks, then :class:`Membership`."""

    def __init__(self, context: Context, membership: Membership) -> None:
        self._context = context
        self._membership = membership

    # --- looking ----------------------------------------------------------------------------------------------
    @answers(f.messages.GetChatsRequest)
    def chats(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getChats``; one that the caller was removed from is shown as forbidden."""
        return t.messages.Chats([self._context.render.chat(self._known(caller, chat_id), caller.account) for chat_id in request.id])

    def _known(self, caller: Caller, chat_id: int) -> Chat:
        chat = self._context.chats.get(chat_id)
        if chat is None or not chat.is_basic or caller.id not in chat.places:
            raise RpcFailure(400, "CHAT_ID_INVALID")
        return chat

    @answers(f.messages.GetFullChatRequest)
    def full_chat(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getFullChat``."""
        chat = self._context.peers.basic_group(caller, request.chat_id, "CHAT_ID_INVALID")
        join_as, render, me = chat.join_as.get(caller.id), self._context.render, caller.account
        full = t.ChatFull(
            id=chat.id,
            about="",
            participants=self._membership.list_of(chat),
            notify_settings=t.PeerNotifySettings(),
            call=chat.call.input() if chat.call else None,
            groupcall_default_join_as=join_as.peer if join_as else None,
        )
        members = [render.user(self._context.accounts.of_id(account_id), me) for account_id in chat.member_ids]
        chats = [chat, join_as] if join_as else [chat]
        return t.messages.ChatFull(full, [render.chat(each, me) for each in chats], members)

    # --- changing ---------------------------------------------------------------------------------------------
    @answers(f.messages.AddChatUserRequest)
    def add(self, caller: Caller, request: Tl) -> Tl:
        """``messages.addChatUser``."""
        chat = self._context.peers.basic_group(caller, request.chat_id, "CHAT_ID_INVALID")
        account = self._context.peers.user(caller, request.user_id)
        if chat.has(account.id):
            raise RpcFailure(400, "USER_ALREADY_PARTICIPANT")
        if chat.role_of(account.id) is Role.BANNED and not chat.is_admin(caller.id):
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        self._membership.add(chat, account, caller.account)
        return t.messages.InvitedUsers(self._list(caller, chat), [])

    @answers(f.messages.DeleteChatUserRequest)
    def remove(self, caller: Caller, request: Tl) -> Tl:
        """``messages.deleteChatUser``: oneself, or somebody else by an admin."""
        chat = self._context.peers.basic_group(caller, request.chat_id, "CHAT_ID_INVALID")
        account = self._context.peers.user(caller, request.user_id)
        if not chat.has(account.id):
            raise RpcFailure(400, "USER_NOT_PARTICIPANT")
        if account is caller.account:
            self._membership.leave(chat, account)
        elif chat.is_admin(caller.id) and chat.role_of(account.id) is not Role.CREATOR:
            self._membership.remove(chat, account, caller.account)
        else:
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        return self._context.render.bundle(caller.account, [], [], [chat])

    @answers(f.messages.EditChatAdminRequest)
    def edit_admin(self, caller: Caller, request: Tl) -> bool:
        """``messages.editChatAdmin``: by the creator alone."""
        chat = self._context.peers.basic_group(caller, request.chat_id, "CHAT_ID_INVALID")
        account = self._context.peers.user(caller, request.user_id)
        if chat.role_of(caller.id) is not Role.CREATOR:
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        if not chat.has(account.id):
            raise RpcFailure(400, "USER_NOT_PARTICIPANT")
        self._membership.set_admin(chat, account, AdminRights() if request.is_admin else None, caller.account)
        return True

    def _list(self, caller: Caller, chat: Chat) -> Tl:
        people = [self._context.accounts.of_id(account_id) for account_id in chat.member_ids]
        return self._context.render.bundle(caller.account, [t.UpdateChatParticipants(self._membership.list_of(chat))], people, [chat])
