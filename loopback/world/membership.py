"""Who is in a chat and as what: the changes, and who is told of them."""

from __future__ import annotations

from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat, Restrictions, Role
from loopback.world.context import Context
from loopback.world.group_calls import GroupCalls
from loopback.world.posting import Posting


class Membership:
    """In supergroups and channels a change of one's place is told to that person alone; in basic groups everybody gets the new list."""

    def __init__(self, context: Context, posting: Posting, calls: GroupCalls) -> None:
        self._context = context
        self._posting = posting
        self._calls = calls

    def create(self, chat: Chat, creator: Account) -> None:
        """Found a chat."""
        chat.place(creator, Role.CREATOR, chat.date)
        self._context.chats.add(chat)
        created = t.MessageActionChatCreate(chat.title, [creator.id]) if chat.is_basic else t.MessageActionChannelCreate(chat.title)
        self._posting.service(chat, creator, created)

    def add(self, chat: Chat, account: Account, by: Account) -> None:
        """Make somebody a member; told in the chat, but for channels."""
        chat.place(account, Role.MEMBER, int(self._context.now()))
        if not chat.is_broadcast:
            self._posting.service(chat, by, t.MessageActionChatAddUser([account.id]))
        self._tell(chat, account)

    def remove(self, chat: Chat, account: Account, by: Account) -> None:
        """Remove somebody for good; out of the voice chat as well."""
        self._out(chat, account, Role.BANNED, by)

    def leave(self, chat: Chat, account: Account) -> None:
        """Somebody goes; out of the voice chat as well."""
        self._out(chat, account, Role.LEFT, account)

    def unban(self, chat: Chat, account: Account) -> None:
        """Let somebody who was removed come back."""
        chat.place(account, Role.LEFT, int(self._context.now()))

    def set_admin(self, chat: Chat, account: Account, rights: AdminRights | None, by: Account) -> None:
        """Make somebody an admin with these rights, or (None) a plain member. The creator stays the creator."""
        role = Role.MEMBER if rights is None else Role.ADMIN
        if chat.role_of(account.id) is Role.CREATOR:
            role = Role.CREATOR
        chat.place(account, role, int(self._context.now()), rights, by.id)
        if chat.is_basic:
            update = t.UpdateChatParticipantAdmin(chat.id, account.id, role is not Role.MEMBER, chat.version)
            self._context.delivery.to_chat(chat, lambda _: [update], [account])
        else:
            self._tell(chat, account)

    def restrict(self, chat: Chat, account: Account, restrictions: Restrictions) -> None:
        """Change what a member may not do."""
        chat.place(account, Role.MEMBER, int(self._context.now()), restrictions=restrictions)
        self._tell(chat, account)

    def set_slow_mode(self, chat: Chat, seconds: int) -> None:
        """How long members wait between two messages; 0 for no wait."""
        chat.slow_mode_s = seconds
        self._context.delivery.to_chat(chat, lambda _: [t.UpdateChannel(chat.id)])

    def list_of(self, chat: Chat) -> Tl:
        """A basic group's members as everybody in it sees them."""
        return t.ChatParticipants(chat.id, [_participant(chat, account_id) for account_id in chat.member_ids], chat.version)

    def _out(self, chat: Chat, account: Account, role: Role, by: Account) -> None:
        chat.place(account, role, int(self._context.now()))
        if chat.call is not None and account.id in chat.call.participants:
            self._calls.leave(chat.call, account)
        if not chat.is_broadcast:
            self._posting.service(chat, by, t.MessageActionChatDeleteUser(account.id), also=[account])
        self._tell(chat, account)

    def _tell(self, chat: Chat, account: Account) -> None:
        if chat.is_basic:
            people = [self._context.accounts.of_id(account_id) for account_id in chat.member_ids]
            self._context.delivery.to_chat(chat, lambda _: [t.UpdateChatParticipants(self.list_of(chat))], people)
        else:
            self._context.delivery.to_account(account, lambda _: [t.UpdateChannel(chat.id)], chats=[chat])


def _participant(chat: Chat, account_id: int) -> Tl:
    place = chat.places[account_id]
    match place.role:
        case Role.CREATOR:
            return t.ChatParticipantCreator(account_id)
        case Role.ADMIN:
            return t.ChatParticipantAdmin(account_id, place.promoted_by, place.since)
        case _:
            return t.ChatParticipant(account_id, place.promoted_by, place.since)
