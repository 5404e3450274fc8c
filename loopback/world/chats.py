"""Supergroups: who is in them, and what admins may do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Final

from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.world.mailbox import Mailbox

if TYPE_CHECKING:
    from loopback.world.accounts import Account
    from loopback.world.group_call import GroupCall

FIRST_ID: Final = 5001
MARKED_ID_OFFSET: Final = -1_000_000_000_000


class Role(Enum):
    """Of somebody in a group."""

    CREATOR = "creator"
    ADMIN = "admin"
    MEMBER = "member"
    BANNED = "banned"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRights:
    """What one admin may do; by default everything but making other admins."""

    change_info: bool = True
    delete_messages: bool = True
    ban_users: bool = True
    invite_users: bool = True
    pin_messages: bool = True
    add_admins: bool = False
    manage_call: bool = True

    def tl(self) -> Tl:
        """As clients see them."""
        return t.ChatAdminRights(**dataclasses.asdict(self), other=True)

    @classmethod
    def from_tl(cls, rights: Tl) -> AdminRights:
        """As an admin has set them."""
        return cls(**{field.name: bool(getattr(rights, field.name)) for field in dataclasses.fields(cls)})


ALL_RIGHTS: Final = AdminRights(add_admins=True)


@dataclass(frozen=True, slots=True)
class Membership:
    """One person's place in a group. ``rights`` only for creator and admins."""

    role: Role
    since: int
    rights: AdminRights | None = None
    promoted_by: int = 0


@dataclass(slots=True, eq=False)
class Chat:
    """A supergroup."""

    id: int
    title: str
    date: int
    username: str | None = None
    places: dict[int, Membership] = field(default_factory=dict)
    mailbox: Mailbox = field(default_factory=Mailbox)
    call: GroupCall | None = None

    @property
    def dialog_id(self) -> int:
        """The id by which Telethon and py-tgcalls know the group."""
        return MARKED_ID_OFFSET - self.id

    @property
    def member_ids(self) -> list[int]:
        """Everybody who is in."""
        return [i for i, place in self.places.items() if place.role not in (Role.BANNED, Role.LEFT)]

    def role_of(self, account_id: int) -> Role:
        """The role; strangers count as having left."""
        place = self.places.get(account_id)
        return place.role if place else Role.LEFT

    def has(self, account_id: int) -> bool:
        """Whether somebody is in the group."""
        return self.role_of(account_id) not in (Role.BANNED, Role.LEFT)

    def rights_of(self, account_id: int) -> AdminRights | None:
        """Admin rights, if any."""
        place = self.places.get(account_id)
        return place.rights if place else None

    def is_admin(self, account_id: int) -> bool:
        """Creator or admin."""
        return self.role_of(account_id) in (Role.CREATOR, Role.ADMIN)

    def may_manage_calls(self, account_id: int) -> bool:
        """Whether somebody may start, end and moderate voice chats."""
        rights = self.rights_of(account_id)
        return rights is not None and rights.manage_call

    def place(self, account: Account, role: Role, since: int, rights: AdminRights | None = None, promoted_by: int = 0) -> None:
        """Give somebody a place."""
        if role is Role.CREATOR:
            rights = ALL_RIGHTS
        elif role is Role.ADMIN:
            rights = rights or AdminRights()
        else:
            rights = None
        self.places[account.id] = Membership(role, since, rights, promoted_by)


class Chats:
    """All groups."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}
        self._ids = count(FIRST_ID)

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def add(self, chat: Chat) -> Chat:
        """Register a group.

        :raises ValueError: its id is taken.
        """
        if chat.id in self._chats:
            raise ValueError(f"there is a group {chat.id} already")
        self._chats[chat.id] = chat
        return chat

    def fresh_id(self) -> int:
        """An id no group has."""
        return next(i for i in self._ids if i not in self._chats)

    def get(self, chat_id: int) -> Chat | None:
        """The group with this id, if any."""
        return self._chats.get(chat_id)

    def by_username(self, name: str) -> Chat | None:
        """The group with this public name, if any."""
        return next((c for c in self._chats.values() if c.username and c.username.lower() == name.lower()), None)

    def of(self, account_id: int) -> list[Chat]:
        """The groups somebody is in."""
        return [chat for chat in self._chats.values() if chat.has(account_id)]
