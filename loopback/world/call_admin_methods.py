"""The methods ``phone.…`` with which admins start, end and change voice chats, with the error names of the method pages."""

from __future__ import annotations

import secrets
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.call_access import CallAccess
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.group_call import GroupCall
from loopback.world.group_calls import GroupCalls
from loopback.world.posting import Posting
from loopback.world.registry import Caller, answers

SOONEST_S: Final = 10
LATEST_S: Final = 8 * 24 * 3600


class CallAdminMethods:
    """Checks, then :class:`GroupCalls`."""

    def __init__(self, context: Context, calls: GroupCalls, access: CallAccess, posting: Posting) -> None:
        self._context = context
        self._calls = calls
        self._access = access
        self._posting = posting

    # --- starting and ending ----------------------------------------------------------------------------------
    @answers(f.phone.CreateGroupCallRequest)
    def create(self, caller: Caller, request: Tl) -> Tl:
        """``phone.createGroupCall``: ends the call that runs, if any."""
        chat = self._administered(caller, request.peer)
        starts_at = None if request.schedule_date is None else int(request.schedule_date.timestamp())
        if starts_at is not None and not SOONEST_S <= starts_at - int(self._context.now()) <= LATEST_S:
            raise RpcFailure(400, "SCHEDULE_DATE_INVALID")
        before = chat.call
        call = self._calls.create(chat, caller.account, request.title, caller.session, starts_at=starts_at, rtmp=bool(request.rtmp_stream))
        calls = [before, call] if before else [call]
        return self._access.answer(caller, call, [self._calls.call_update(each, caller.account) for each in calls])

    @answers(f.phone.StartScheduledGroupCallRequest)
    def start_scheduled(self, caller: Caller, request: Tl) -> Tl:
        """``phone.startScheduledGroupCall``."""
        call = self._running(caller, request.call)
        if call.starts_at is None:
            raise RpcFailure(403, "GROUPCALL_ALREADY_STARTED")
        self._calls.start(call, caller.account, caller.session)
        return self._told(caller, call)

    @answers(f.phone.ToggleGroupCallStartSubscriptionRequest)
    def subscribe(self, caller: Caller, request: Tl) -> Tl:
        """``phone.toggleGroupCallStartSubscription``: be told when a scheduled call starts."""
        call = self._access.open(caller, request.call)
        if call.starts_at is None:
            raise RpcFailure(403, "GROUPCALL_ALREADY_STARTED")
        (call.subscribers.add if request.subscribed else call.subscribers.discard)(caller.id)
        return self._told(caller, call)

    @answers(f.phone.DiscardGroupCallRequest)
    def discard(self, caller: Caller, request: Tl) -> Tl:
        """``phone.discardGroupCall``."""
        call = self._access.managed(caller, request.call)
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_ALREADY_DISCARDED")
        self._calls.end(call, caller.account, caller.session)
        return self._told(caller, call)

    # --- settings ---------------------------------------------------------------------------------------------
    @answers(f.phone.ToggleGroupCallSettingsRequest)
    def settings(self, caller: Caller, request: Tl) -> Tl:
        """``phone.toggleGroupCallSettings``: ``join_muted`` only."""
        call = self._running(caller, request.call)
        if request.join_muted is None or request.join_muted == call.join_muted:
            raise RpcFailure(400, "GROUPCALL_NOT_MODIFIED")
        call.join_muted = request.join_muted
        return self._changed(caller, call)

    @answers(f.phone.EditGroupCallTitleRequest)
    def title(self, caller: Caller, request: Tl) -> Tl:
        """``phone.editGroupCallTitle``."""
        call = self._running(caller, request.call)
        if (request.title or None) == call.title:
            raise RpcFailure(400, "GROUPCALL_NOT_MODIFIED")
        call.title = request.title or None
        return self._changed(caller, call)

    @answers(f.phone.ToggleGroupCallRecordRequest)
    def record(self, caller: Caller, request: Tl) -> Tl:
        """``phone.toggleGroupCallRecord``: everybody sees that it is being recorded; nothing is."""
        call = self._running(caller, request.call)
        if bool(request.start) == (call.recorded_since is not None):
            raise RpcFailure(400, "GROUPCALL_NOT_MODIFIED")
        call.recorded_since = int(self._context.now()) if request.start else None
        return self._changed(caller, call)

    # --- inviting ---------------------------------------------------------------------------------------------
    @answers(f.phone.ExportGroupCallInviteRequest)
    def invite_link(self, caller: Caller, request: Tl) -> Tl:
        """``phone.exportGroupCallInvite``: of public chats only; that for speakers holds a hash."""
        call = self._access.open(caller, request.call)
        if call.chat.username is None:
            raise RpcFailure(403, "PUBLIC_CHANNEL_MISSING")
        link = f"https://t.me/{call.chat.username}?voicechat"
        if not request.can_self_unmute:
            return t.phone.ExportedGroupCallInvite(link)
        if not call.chat.may_manage_calls(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        call.speaker_hash = call.speaker_hash or secrets.token_hex(8)
        return t.phone.ExportedGroupCallInvite(f"{link}={call.speaker_hash}")

    @answers(f.phone.InviteToGroupCallRequest)
    def invite(self, caller: Caller, request: Tl) -> Tl:
        """``phone.inviteToGroupCall``: a service message names those who are invited."""
        call = self._access.open(caller, request.call)
        mine = call.participants.get(caller.id)
        if mine is not None and mine.as_chat is not None:
            raise RpcFailure(400, "INVITE_FORBIDDEN_WITH_JOINAS")
        people = [self._context.peers.user(caller, user) for user in request.users]
        if any(not call.chat.has(person.id) for person in people):
            raise RpcFailure(403, "USER_NOT_PARTICIPANT")
        if any(person.id in call.participants for person in people):
            raise RpcFailure(400, "USER_ALREADY_INVITED")
        action = t.MessageActionInviteToGroupCall(call.input(), [person.id for person in people])
        message = self._posting.service(call.chat, caller.account, action)
        return self._access.answer(caller, call, [self._posting.update_new(message, caller.account)])

    @answers(f.phone.GetGroupCallStreamRtmpUrlRequest)
    def rtmp_url(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCallStreamRtmpUrl``: a well-formed address where nothing listens."""
        chat = self._administered(caller, request.peer)
        return t.phone.GroupCallStreamRtmpUrl("rtmps://127.0.0.1/s/", f"{chat.id}:{secrets.token_hex(8)}")

    # --- what they share --------------------------------------------------------------------------------------
    def _administered(self, caller: Caller, peer: Tl) -> Chat:
        chat = self._context.peers.resolve(caller, peer)
        if not isinstance(chat, Chat):
            raise RpcFailure(400, "PEER_ID_INVALID")
        if not chat.may_manage_calls(caller.id):
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        return chat

    def _running(self, caller: Caller, named: Tl) -> GroupCall:
        call = self._access.managed(caller, named)
        if call.ended:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def _changed(self, caller: Caller, call: GroupCall) -> Tl:
        self._calls.announce(call, caller.session)
        return self._told(caller, call)

    def _told(self, caller: Caller, call: GroupCall) -> Tl:
        return self._access.answer(caller, call, [self._calls.call_update(call, caller.account)])
