"""From what a client names to a voice chat that it may deal with; shared by all methods of voice chats."""

from __future__ import annotations

from collections.abc import Iterable

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.group_calls import GroupCalls, shown_chats, shown_people
from loopback.world.registry import Caller


class CallAccess:
    """Checks that a call exists, that the caller is in its chat, and what rights the caller has."""

    def __init__(self, context: Context, calls: GroupCalls) -> None:
        self._context = context
        self._calls = calls

    def named(self, caller: Caller, named: Tl) -> GroupCall:
        """The call, running or ended, of a chat the caller is in.

        :raises RpcFailure: GROUPCALL_INVALID, GROUPCALL_FORBIDDEN.
        """
        call = self._calls.get(getattr(named, "id", 0))
        if call is None or named.access_hash != call.access_hash:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        if not call.chat.has(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def open(self, caller: Caller, named: Tl) -> GroupCall:
        """The call, if it is not over.

        :raises RpcFailure: GROUPCALL_INVALID, GROUPCALL_FORBIDDEN.
        """
        call = self.named(caller, named)
        if call.ended:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def managed(self, caller: Caller, named: Tl) -> GroupCall:
        """The call, running or ended, if the caller may manage it.

        :raises RpcFailure: GROUPCALL_INVALID, GROUPCALL_FORBIDDEN.
        """
        call = self.named(caller, named)
        if not call.chat.may_manage_calls(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def joined(self, caller: Caller, named: Tl) -> CallParticipant:
        """The caller's own place in a running call.

        :raises RpcFailure: GROUPCALL_INVALID, GROUPCALL_FORBIDDEN, GROUPCALL_JOIN_MISSING.
        """
        call = self.named(caller, named)
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        mine = call.participants.get(caller.id)
        if mine is None:
            raise RpcFailure(400, "GROUPCALL_JOIN_MISSING")
        return mine

    def answer(self, caller: Caller, call: GroupCall, updates: list[Tl], about: Iterable[CallParticipant] = ()) -> Tl:
        """Updates as the answer to a request."""
        people: list[Account] = [caller.account]
        chats: list[Chat] = [call.chat]
        for participant in about:
            people += shown_people(participant)
            chats += shown_chats(participant)
        return self._context.render.bundle(caller.account, updates, people, chats)
