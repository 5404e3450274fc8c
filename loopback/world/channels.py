"""Supergroups: looking at them, and changing who is in and what admins may do."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat, Role
from loopback.world.context import Context
from loopback.world.group_calls import GroupCalls
from loopback.world.messages import Messages
from loopback.world.registry import Caller, answers

PAGE = 200


class Channels:
    """Members and rights. A change of one's place is told to that person alone, as on the real service."""

    def __init__(self, context: Context, messages: Messages, calls: GroupCalls) -> None:
        self._context = context
        self._messages = messages
        self._calls = calls

    # --- what tests and admins do -----------------------------------------------------------------------------
    def create(self, chat: Chat, creator: Account) -> None:
        """Found a group."""
        chat.place(creator, Role.CREATOR, chat.date)
        self._context.chats.add(chat)
        self._messages.post(chat, creator, action=t.MessageActionChannelCreate(chat.title))

    def add(self, chat: Chat, account: Account, by: Account) -> None:
        """Make somebody a member."""
        chat.place(account, Role.MEMBER, int(self._context.now()))
        self._messages.post(chat, by, action=t.MessageActionChatAddUser([account.id]))
        self._tell(chat, account)

    def remove(self, chat: Chat, account: Account, by: Account) -> None:
        """Ban somebody; leaves the voice chat as well."""
        self._out(chat, account, Role.BANNED)
        self._messages.post(chat, by, action=t.MessageActionChatDeleteUser(account.id))

    def set_admin(self, chat: Chat, account: Account, rights: AdminRights | None, by: Account) -> None:
        """Make somebody an admin with these rights, or (None) a plain member."""
        role = Role.MEMBER if rights is None else Role.ADMIN
        chat.place(account, role, int(self._context.now()), rights, by.id)
        self._tell(chat, account)

    def _out(self, chat: Chat, account: Account, role: Role) -> None:
        chat.place(account, role, int(self._context.now()))
        if chat.call is not None and account.id in chat.call.participants:
            self._calls.leave(chat.call, account)
        self._tell(chat, account)

    def _tell(self, chat: Chat, account: Account) -> None:
        self._context.delivery.to_account(account, lambda _: [t.UpdateChannel(chat.id)], chats=[chat])

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
            can_view_participants=True,
            participants_count=len(chat.member_ids),
            call=chat.call.input() if chat.call else None,
        )
        return t.messages.ChatFull(full, [self._context.render.chat(chat, caller.account)], [])

    @answers(f.channels.GetParticipantRequest)
    def participant(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getParticipant``."""
        chat = self._context.peers.chat(caller, request.channel)
        account = self._context.peers.user(caller, request.participant)
        if not chat.has(account.id):
            raise RpcFailure(400, "USER_NOT_PARTICIPANT")
        shown = _participant(chat, account.id, caller.id)
        return t.channels.ChannelParticipant(shown, [], [self._context.render.user(account, caller.account)])

    @answers(f.channels.GetParticipantsRequest)
    def participants(self, caller: Caller, request: Tl) -> Tl:
        """``channels.getParticipants``: all, or admins only."""
        chat = self._context.peers.chat(caller, request.channel)
        ids = chat.member_ids
        if isinstance(request.filter, t.ChannelParticipantsAdmins):
            ids = [i for i in ids if chat.is_admin(i)]
        elif isinstance(request.filter, t.ChannelParticipantsBots):
            ids = []
        page = ids[request.offset : request.offset + min(request.limit, PAGE)]
        users = [self._context.render.user(self._context.accounts.of_id(i), caller.account) for i in page]
        return t.channels.ChannelParticipants(len(ids), [_participant(chat, i, caller.id) for i in page], [], users)

    # --- changing ---------------------------------------------------------------------------------------------
    @answers(f.channels.LeaveChannelRequest)
    def leave_channel(self, caller: Caller, request: Tl) -> Tl:
        """``channels.leaveChannel``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._out(chat, caller.account, Role.LEFT)
        self._messages.post(chat, caller.account, action=t.MessageActionChatDeleteUser(caller.id))
        return self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])

    @answers(f.channels.InviteToChannelRequest)
    def invite(self, caller: Caller, request: Tl) -> Tl:
        """``channels.inviteToChannel``."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "invite_users")
        for peer in request.users:
            account = self._context.peers.user(caller, peer)
            if not chat.has(account.id):
                self.add(chat, account, caller.account)
        updates = self._context.render.bundle(caller.account, [t.UpdateChannel(chat.id)], [], [chat])
        return t.messages.InvitedUsers(updates, [])

    @answers(f.channels.EditBannedRequest)
    def edit_banned(self, caller: Caller, request: Tl) -> Tl:
        """``channels.editBanned``: removing somebody, or letting a banned person come back; nothing between."""
        chat = self._context.peers.chat(caller, request.channel)
        self._require(chat, caller, "ban_users")
        account = self._context.peers.user(caller, request.participant)
        if not _may_demote(chat, caller.id, account.id):
            raise RpcFailure(400, "USER_ADMIN_INVALID")
        if request.banned_rights.view_messages:
            self.remove(chat, account, caller.account)
        elif chat.role_of(account.id) is Role.BANNED:
            chat.place(account, Role.LEFT, int(self._context.now()))
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
        self.set_admin(chat, account, AdminRights.from_tl(request.admin_rights) if any_right else None, caller.account)
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
