"""Looking people up."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.context import Context
from loopback.world.registry import Caller, answers


class Users:
    """Users and contacts; who is asked for by name or access hash is shown in full."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @answers(f.users.GetUsersRequest)
    def users(self, caller: Caller, request: Tl) -> Tl:
        """``users.getUsers``; those the caller may not name come back empty."""
        return [self._user(caller, peer) for peer in request.id]

    def _user(self, caller: Caller, peer: Tl) -> Tl:
        try:
            return self._context.render.user(self._context.peers.user(caller, peer), caller.account)
        except RpcFailure:
            return t.UserEmpty(getattr(peer, "user_id", 0))

    @answers(f.users.GetFullUserRequest)
    def full_user(self, caller: Caller, request: Tl) -> Tl:
        """``users.getFullUser``."""
        account = self._context.peers.user(caller, request.id)
        full = t.UserFull(
            id=account.id,
            settings=t.PeerSettings(),
            notify_settings=t.PeerNotifySettings(),
            common_chats_count=sum(chat.has(account.id) for chat in self._context.chats.of(caller.id)),
            phone_calls_available=True,
        )
        return t.users.UserFull(full, [], [self._context.render.user(account, caller.account)])

    @answers(f.contacts.ResolveUsernameRequest)
    def resolve_username(self, caller: Caller, request: Tl) -> Tl:
        """``contacts.resolveUsername``."""
        name = request.username.lstrip("@")
        account = self._context.accounts.by_username(name)
        if account is not None:
            return t.contacts.ResolvedPeer(t.PeerUser(account.id), [], [self._context.render.user(account, caller.account)])
        chat = self._context.chats.by_username(name)
        if chat is not None:
            return t.contacts.ResolvedPeer(t.PeerChannel(chat.id), [self._context.render.chat(chat, caller.account)], [])
        raise RpcFailure(400, "USERNAME_NOT_OCCUPIED")

    @answers(f.contacts.GetContactsRequest)
    def contacts(self, caller: Caller, request: Tl) -> Tl:
        """``contacts.getContacts``."""
        people = [self._context.accounts.of_id(i) for i in caller.account.contacts]
        contacts = [t.Contact(person.id, caller.id in person.contacts) for person in people]
        return t.contacts.Contacts(contacts, len(people), [self._context.render.user(p, caller.account) for p in people])

    @answers(f.account.UpdateStatusRequest)
    def update_status(self, caller: Caller, request: Tl) -> bool:
        """``account.updateStatus``: nobody is told."""
        return True
