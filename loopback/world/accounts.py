"""Who there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Final

from loopback.mtproto.wire import RpcFailure
from loopback.world.mailbox import Mailbox

FIRST_ID: Final = 1001
SERVICE_ID: Final = 777_000
"""The account of the real service's own messages."""


class CallPrivacy(Enum):
    """Who may phone somebody."""

    EVERYBODY = auto()
    CONTACTS = auto()
    NOBODY = auto()


@dataclass(slots=True, eq=False)
class Account:
    """A user account. ``phone`` is digits only, ``login_code`` what signs it in, ``password`` the two-step one if set.

    ``contacts`` and ``correspondents`` (people with whom a private message was exchanged) hold ids: those it knows in full.
    ``blocked`` may not phone it, and of the others only those that ``calls_from`` allows.
    """

    id: int
    first_name: str
    phone: str = ""
    username: str | None = None
    last_name: str | None = None
    login_code: str = "12345"
    password: str | None = None
    mailbox: Mailbox = field(default_factory=Mailbox)
    contacts: set[int] = field(default_factory=set)
    correspondents: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    calls_from: CallPrivacy = CallPrivacy.EVERYBODY

    def knows(self, other: Account) -> bool:
        """Whether the service describes ``other`` in full to this account."""
        return other is self or other.id in self.contacts or other.id in self.correspondents


def digits(phone: str) -> str:
    """A phone number without plus, blanks and dashes."""
    return re.sub(r"\D", "", phone)


class Accounts:
    """All accounts, by id, phone and name. ``service`` is the service's own, which is not among those that are iterated over."""

    def __init__(self) -> None:
        self.service = Account(SERVICE_ID, "Telegram")
        self._accounts: dict[int, Account] = {}
        self._ids = count(FIRST_ID)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def add(self, account: Account) -> Account:
        """Register an account.

        :raises ValueError: its id, phone or username is taken.
        """
        for other in self._accounts.values():
            if account.id == other.id or (account.phone and account.phone == other.phone) or _same_name(account.username, other.username):
                raise ValueError(f"{account.first_name} clashes with {other.first_name}: ids, phones and usernames are unique")
        self._accounts[account.id] = account
        return account

    def fresh_id(self) -> int:
        """An id nobody has."""
        return next(i for i in self._ids if i not in self._accounts)

    def get(self, account_id: int | None) -> Account | None:
        """The account with this id, if any."""
        if account_id == SERVICE_ID:
            return self.service
        return None if account_id is None else self._accounts.get(account_id)

    def of_id(self, account_id: int) -> Account:
        """The account with this id; it must exist."""
        return self.service if account_id == SERVICE_ID else self._accounts[account_id]

    def by_phone(self, phone: str) -> Account:
        """The account with this phone number.

        :raises RpcFailure: PHONE_NUMBER_INVALID.
        """
        for account in self._accounts.values():
            if account.phone and account.phone == digits(phone):
                return account
        raise RpcFailure(400, "PHONE_NUMBER_INVALID")

    def by_username(self, name: str) -> Account | None:
        """The account with this public name, if any."""
        return next((a for a in self._accounts.values() if _same_name(a.username, name)), None)


def _same_name(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.lower() == other.lower()
