"""How the calls of appointments are made: into a voice chat, to somebody on Telegram, by a link to the call page, to a telephone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from calls.errors import SCHEDULED, Failure, Remedy, of
from calls.invite_links import InviteLink
from calls.occasions import USUAL, Occasion
from calls.private_calls import PrivateCalls
from calls.schedule_driver import Tell
from calls.telephony.phone_call import PhoneWishes
from errors import LineError
from storage.appointments import Appointment
from storage.invites import Invite

NOT_WRITTEN: Final = Failure(
    "The link could not be sent: Telegram does not let me write there.", "Write to me first, or name another chat.", Remedy.RETRY,
    "appointment.not_written",
)  # fmt: skip


class GroupCalls(Protocol):
    """See :class:`calls.manager.CallManager`."""

    async def join(self, chat_id: int, title: str, requested_by: int, *, occasion: Occasion = USUAL) -> None:
        """Join the chat's voice chat; raises :class:`errors.LineError` when it cannot be."""

    async def leave(self, chat_id: int, by_hand: bool = True) -> bool:
        """Leave it, or break off joining."""

    async def take_up(self, chat_id: int, occasion: Occasion) -> None:
        """The call there goes on on this occasion."""

    def call(self, chat_id: int) -> object | None:
        """The chat's call, if Parley is in one."""


class ByGroup:
    """Joins the voice chat, and tells the chat so. Where Parley is in it already, it says the sentence there and takes up the purpose."""

    def __init__(self, calls: GroupCalls, tell: Tell) -> None:
        self._calls = calls
        self._tell = tell

    async def __call__(self, appointment: Appointment, occasion: Occasion) -> None:
        """See :class:`calls.schedule_driver.Way`."""
        if self._calls.call(appointment.chat_id) is None:
            await self._join(appointment, occasion)
        else:
            await self._calls.take_up(appointment.chat_id, occasion)

    async def _join(self, appointment: Appointment, occasion: Occasion) -> None:
        try:
            await self._calls.join(appointment.chat_id, appointment.title, appointment.created_by, occasion=occasion)
            await self._tell(appointment.chat_id, "appointment.joined", id=appointment.id)
        except LineError as error:
            if error.key == SCHEDULED:
                await self._calls.leave(appointment.chat_id, by_hand=False)
            raise


class ByPrivateCall:
    """Phones somebody on Telegram."""

    def __init__(self, calls: PrivateCalls) -> None:
        self._calls = calls

    async def __call__(self, appointment: Appointment, occasion: Occasion) -> None:
        """See :class:`calls.schedule_driver.Way`."""
        target = appointment.target
        await self._calls.start(int(target) if target.isdecimal() else target, occasion)


class Links(Protocol):
    """See :class:`calls.invite_links.InviteLinks`."""

    async def create(self, invite: Invite, by: int = 0) -> InviteLink:
        """A new link; raises :class:`errors.ParleyError` if there can be none."""


TellLink = Callable[[Appointment, str], Awaitable[bool]]
"""Sends somebody a link; whether it could be."""


class ByLink:
    """Sends a link by which whoever opens it is in a call in the browser."""

    def __init__(self, links: Links, tell: TellLink) -> None:
        self._links = links
        self._tell = tell

    async def __call__(self, appointment: Appointment, occasion: Occasion) -> None:
        """See :class:`calls.schedule_driver.Way`."""
        opening = occasion.opening or None
        invite = Invite(chat_id=appointment.chat_id, longest_s=occasion.longest_s, opening=opening, purpose=occasion.purpose)
        link = await self._links.create(invite, appointment.created_by)
        if not await self._tell(appointment, link.url):
            raise of(NOT_WRITTEN)


class Telephone(Protocol):
    """See :class:`calls.telephony.phone_calls.PhoneCalls`."""

    @property
    def enabled(self) -> bool:
        """Whether all is set that it needs."""

    async def call(self, written: str, wishes: PhoneWishes | None = None) -> object:
        """Phone a number; returns when it was answered, raises :class:`errors.ParleyError` when it was not."""


class ByPhone:
    """Phones a telephone number."""

    def __init__(self, telephone: Telephone) -> None:
        self._telephone = telephone

    async def __call__(self, appointment: Appointment, occasion: Occasion) -> None:
        """See :class:`calls.schedule_driver.Way`."""
        wishes = PhoneWishes(
            chat_id=appointment.chat_id, opening=occasion.opening or None, purpose=occasion.purpose, longest_s=occasion.longest_s
        )
        await self._telephone.call(appointment.target, wishes)
