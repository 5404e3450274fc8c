"""The methods ``channels.…``: looking at supergroups and channels, and changing who is in and what admins may do."""

from __future__ import annotations

from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.chats import AdminRights, Chat, Restrictions, Role
from loopback.world.context import Context
from loopback.world.membership import Membership
from loopback.world.registry import Caller, answers

PAGE: Final = 200
SLOW_MODES_S: Final = (0, 5, 10, 30, 60, 300, 900, 3600)


class Channels:
    """Checks, then :class:`Membership`."""

    def __init__(self, context: Context, membership: Membership) -> None:
        self._context = context
        self._membership = membership

    # --- looking ----------------------------------------------------------------------------------------------
    @answers(f.channels.GetChannelsRequest)
    def channels(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getChannels``."""
        chats = [self._context.peers.chat(caller, peer) for peer in request.id]
        return t.messages.Chats([self._context.render.chat(chat, caller.account) for chat in chats])

    @answers(f.channels.GetFullChannelRequest)
    def full_channel(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getFullChannel``."""
        chat = self._context.peers.chat(caller, request.channel)
        join_as = chat.join_as.get(caller.id)
        full = t.ChannelFull(
            id=chat.id,
            about="",
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            chat_photo=t.PhotoEmpty(0),
            notify_settings=t.PeerNotifySettings(),
            bot_info=[],
            pts=chat.mailbox.pts,
            can_view_participants=self._may_look(chat, caller),
            participants_count=len(chat.member_ids),
            call=chat.call.input() if chat.call else None,
            slowmode_seconds=chat.slow_mode_s or None,
            slowmode_next_send_date=self._next_send(chat, caller),
            groupcall_default_join_as=join_as.peer if join_as else None,
        )
        chats = [chat] if join_as in (None, chat) else [chat, join_as]
        return t.messages.ChatFull(full, [self._context.render.chat(each, caller.account) for each in chats], [])

    def _next_send(self, chat: Chat, caller: Caller) -> int | None:
        """When somebody in slow mode may write again; None for at once."""
        if not chat.slow_mode_s or chat.is_admin(caller.id):
            return None
        next_s = int(chat.wrote_at.get(caller.id, 0.0)) + chat.slow_mode_s
        return next_s if next_s > self._context.now() else None

    @answers(f.channels.GetParticipantRequest)
    def participant(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getParticipant``."""
        chat = self._context.peers.chat(caller, request.channel)
        account = self._context.peers.user(caller, request.participant)
        if not self._may_look(chat, caller):
            raise RpcFailure(403, "CHAT_ADMIN_REQUIRED")
        if not chat.has(account.id):
            raise RpcFailure(400, "USER_NOT_PARTICIPANT")
        shown = _participant(chat, account.id, caller.id)
        return t.channels.ChannelParticipant(shown, [], [self._context.render.user(account, caller.account)])

    @answers(f.channels.GetParticipantsRequest)
    def participants(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getParticipants``: all, or admins only; of a channel for its admins alone."""
        chat = self._context.peers.chat(caller, request.channel)
        if not self._may_look(chat, caller):
            raise RpcFailure(403, "CHAT_ADMIN_REQUIRED")
        ids = chat.member_ids
        if isinstance(request.filter, t.ChannelParticipantsAdmins):
            ids = [i for i in ids if chat.is_admin(i)]
        elif isinstance(request.filter, t.ChannelParticipantsBots):
            ids = []
        page = ids[request.offset : request.offset + min(request.limit, PAGE)]
        users = [self._context.render.user(self._context.accounts.of_id(i), caller.account) for i in page]
        return t.channels.ChannelParticipants(len(ids), [_participant(chat, i, caller.id) for i in page], [], users)

    def _may_look(self, chat: Chat, caller: Caller) -> bool:
        return not chat.is_broadcast or chat.is_admin(caller.id)

    # --- changing ---------------------------------------------------------------------------------------------
    @answers(f.channels.LeaveChannelRequest)
    def leave_channel(self, caller: Caller, request: Tl) -> Tl:
        """``channels.leaveChannel``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._membership.leave(chat, caller.account)
        return self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])

    @answers(f.channels.InviteToChannelRequest)
    def invite(self, caller: Caller, request: Tl) -> Tl:
        """``channels.inviteToChannel``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "invite_users")
        for peer in request.users:
            account = self._context.peers.user(caller, peer)
            if not chat.has(account.id):
                self._membership.add(chat, account, caller.account)
        updates = self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])
        return t.messages.InvitedUsers(updates, [])

    @answers(f.channels.EditBannedRequest)
    def edit_banned(self, caller: Caller, request: Tl) -> Tl:
        """``channels.editBanned``: removing somebody, letting a banned person come back, or forbidding to write or to send voice notes."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "ban_users")
        account = self._context.peers.user(caller, request.participant)
        if not _may_demote(chat, caller.id, account.id):
            raise RpcFailure(400, "USER_ADMIN_INVALID")
        if request.banned_rights.view_messages:
            self._membership.remove(chat, account, caller.account)
        elif chat.role_of(account.id) is Role.BANNED:
            self._membership.unban(chat, account)
        elif chat.has(account.id):
            self._membership.restrict(chat, account, Restrictions.from_tl(request.banned_rights))
        return self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])

    @answers(f.channels.EditAdminRequest)
    def edit_admin(self, caller: Caller, request: Tl) -> Tl:
        """``channels.editAdmin``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "add_admins")
        account = self._context.peers.user(caller, request.user_id)
        if not chat.has(account.id):
            raise RpcFailure(400, "USER_NOT_PARTICIPANT")
        if chat.role_of(account.id) is Role.CREATOR:
            raise RpcFailure(400, "USER_CREATOR")
        given = request.admin_rights.to_dict()
        any_right = any(value for name, value in given.items() if name != "_")
        self._membership.set_admin(chat, account, AdminRights.from_tl(request.admin_rights) if any_right else None, caller.account)
        return self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])

    @answers(f.channels.ToggleSlowModeRequest)
    def toggle_slow_mode(self, caller: Caller, request: Tl) -> Tl:
        """``channels.toggleSlowMode``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "ban_users")
        if request.seconds == chat.slow_mode_s:
            raise RpcFailure(400, "CHAT_NOT_MODIFIED")
        if request.seconds not in SLOW_MODES_S:
            raise RpcFailure(400, "SECONDS_INVALID")
        self._membership.set_slow_mode(chat, request.seconds)
        return self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])

    def _require(self, chat: Chat, caller: Caller, right: str) -> None:
        if not getattr(chat.rights_of(caller.id), right, False):
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")


def _participant(chat: Chat, account_id: int, viewer_id: int) -> Tl:
    place = chat.places[account_id]
    if place.rights is None:
        shown = t.ChannelParticipantSelf(account_id, account_id, place.since)
        return shown if account_id == viewer_id else t.ChannelParticipant(account_id, place.since)
    if place.role is Role.CREATOR:
        return t.ChannelParticipantCreator(account_id, place.rights.tl())
    own = {"is_self": True, "inviter_id": place.promoted_by} if account_id == viewer_id else {}
    return t.ChannelParticipantAdmin(account_id, place.promoted_by, place.since, place.rights.tl(), **own)


def _may_demote(chat: Chat, caller_id: int, account_id: int) -> bool:
    """Admins may be removed by the creator and by those who made them admins."""
    if not chat.is_admin(account_id):
        return True
    if chat.role_of(account_id) is Role.CREATOR:
        return False
    return chat.role_of(caller_id) is Role.CREATOR or chat.places[account_id].promoted_by == caller_id
