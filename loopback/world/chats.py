"""Chats with several people: basic groups, supergroups and broadcast channels; who is in them, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Final

from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.mailbox import Mailbox
from loopback.world.rights import ALL_RIGHTS, UNRESTRICTED, AdminRights, Restrictions

if TYPE_CHECKING:
    from loopback.world.accounts import Account
    from loopback.world.group_call import GroupCall

__all__ = ["AdminRights", "Chat", "ChatKind", "Chats", "Membership", "Restrictions", "Role"]

FIRST_ID: Final = 5001
MARKED_ID_OFFSET: Final = -1_000_000_000_000


class ChatKind(Enum):
    """What sort of chat it is. Only basic groups keep their messages in each member's own mailbox."""

    BASIC_GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class Role(Enum):
    """Of somebody in a chat."""

    CREATOR = "creator"
    ADMIN = "admin"
    MEMBER = "member"
    BANNED = "banned"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Membership:
    """One person's place in a chat. ``rights`` only for creator and admins."""

    role: Role
    since: int
    rights: AdminRights | None = None
    promoted_by: int = 0
    restrictions: Restrictions = UNRESTRICTED


@dataclass(slots=True, eq=False)
class Chat:
    """A chat with several people.

    ``version`` counts the changes of a basic group's members. ``slow_mode_s`` is what a member waits between two messages, ``wrote_at``
    when each last wrote. ``join_as`` holds who each account has chosen to appear as in voice chats.
    """

    id: int
    title: str
    date: int
    username: str | None = None
    kind: ChatKind = ChatKind.SUPERGROUP
    places: dict[int, Membership] = field(default_factory=dict)
    mailbox: Mailbox = field(default_factory=Mailbox)
    call: GroupCall | None = None
    version: int = 1
    slow_mode_s: int = 0
    wrote_at: dict[int, float] = field(default_factory=dict)
    join_as: dict[int, Chat] = field(default_factory=dict)

    @property
    def is_basic(self) -> bool:
        """A basic group."""
        return self.kind is ChatKind.BASIC_GROUP

    @property
    def is_broadcast(self) -> bool:
        """A channel."""
        return self.kind is ChatKind.CHANNEL

    @property
    def dialog_id(self) -> int:
        """The id by which Telethon and py-tgcalls know the chat."""
        return -self.id if self.is_basic else MARKED_ID_OFFSET - self.id

    @property
    def peer(self) -> Tl:
        """How updates name it."""
        return t.PeerChat(self.id) if self.is_basic else t.PeerChannel(self.id)

    @property
    def member_ids(self) -> list[int]:
        """Everybody who is in."""
        return [i for i, place in self.places.items() if place.role not in (Role.BANNED, Role.LEFT)]

    def role_of(self, account_id: int) -> Role:
        """The role; strangers count as having left."""
        place = self.places.get(account_id)
        return place.role if place else Role.LEFT

    def has(self, account_id: int) -> bool:
        """Whether somebody is in the chat."""
        return self.role_of(account_id) not in (Role.BANNED, Role.LEFT)

    def rights_of(self, account_id: int) -> AdminRights | None:
        """Admin rights, if any."""
        place = self.places.get(account_id)
        return place.rights if place else None

    def restrictions_of(self, account_id: int) -> Restrictions:
        """What somebody may not do."""
        place = self.places.get(account_id)
        return place.restrictions if place else UNRESTRICTED

    def is_admin(self, account_id: int) -> bool:
        """Creator or admin."""
        return self.role_of(account_id) in (Role.CREATOR, Role.ADMIN)

    def is_anonymous(self, account_id: int) -> bool:
        """An admin who writes as the chat."""
        rights = self.rights_of(account_id)
        return rights is not None and rights.anonymous

    def may_manage_calls(self, account_id: int) -> bool:
        """Whether somebody may start, end and moderate voice chats."""
        rights = self.rights_of(account_id)
        return rights is not None and rights.manage_call

    def place(
        self,
        account: Account,
        role: Role,
        since: int,
        rights: AdminRights | None = None,
        promoted_by: int = 0,
        restrictions: Restrictions = UNRESTRICTED,
    ) -> None:
        """Give somebody a place."""
        if role is Role.CREATOR:
            rights = rights or ALL_RIGHTS
        elif role is Role.ADMIN:
            rights = rights or AdminRights()
        else:
            rights = None
        self.places[account.id] = Membership(role, since, rights, promoted_by, restrictions)
        self.version += 1


class Chats:
    """All chats; their ids are unique over all kinds."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}
        self._ids = count(FIRST_ID)

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def add(self, chat: Chat) -> Chat:
        """Register a chat.

        :raises ValueError: its id is taken.
        """
        if chat.id in self._chats:
            raise ValueError(f"there is a chat {chat.id} already")
        self._chats[chat.id] = chat
        return chat

    def fresh_id(self) -> int:
        """An id no chat has."""
        return next(i for i in self._ids if i not in self._chats)

    def get(self, chat_id: int) -> Chat | None:
        """The chat with this id, if any."""
        return self._chats.get(chat_id)

    def by_username(self, name: str) -> Chat | None:
        """The chat with this public name, if any."""
        return next((c for c in self._chats.values() if c.username and c.username.lower() == name.lower()), None)

    def of(self, account_id: int) -> list[Chat]:
        """The chats somebody is in."""
        return [chat for chat in self._chats.values() if chat.has(account_id)]
