"""What the methods need of the rest of the house, gathered in one place."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from calls.diary import Diary
from calls.invite_links import InviteLinks
from calls.reconciler import Outlook
from calls.state import CallState
from calls.telephony.phone_calls import PhoneCalls
from control.private_calls import PrivateCalls
from storage.database import Database


class GroupCalls(Protocol):
    """See :class:`calls.manager.CallManager`."""

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        """Join the chat's voice chat.

        :raises errors.ParleyError: it could not be joined.
        """

    async def leave(self, chat_id: int) -> bool:
        """Leave, or break off joining; false if there was nothing to leave."""

    async def speak(self, chat_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Say something in the chat's call; whether any of it was heard. ``first``: before all that waits to be answered."""

    def state(self, chat_id: int) -> CallState:
        """Where the chat's call stands."""

    def outlook(self, chat_id: int) -> Outlook | None:
        """Of a call that is wanted though Parley is not in it just now."""

    @property
    def active(self) -> Collection[int]:
        """The chats with a call just now."""

    @property
    def wanted(self) -> Collection[int]:
        """The chats whose call is wanted, whether Parley is in it or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlServices:
    """Made once at the start. ``title_of`` names a chat of the account and raises :class:`errors.ParleyError` for others;
    ``clock`` gives seconds since the epoch, ``draining`` tells whether Parley is about to end."""

    calls: GroupCalls
    database: Database
    account_id: int
    title_of: Callable[[int], Awaitable[str]]
    connected: Callable[[], bool]
    framework: str
    hearing_name: str
    voice_name: str
    private_calls: PrivateCalls | None = None
    links: InviteLinks | None = None
    phone_calls: PhoneCalls | None = None
    appointments: Diary | None = None
    owner_chat: int = 0
    """Where the owner is told what concerns no other chat."""
    time_zone: str = "UTC"
    """Of chats that have set none."""
    draining: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.time
