"""The appointments of an account, put together."""

from __future__ import annotations

from typing import Protocol

from calls.appointment_store import StoredAppointments
from calls.appointment_ways import ByGroup, ByLink, ByPhone, ByPrivateCall, GroupCalls, Links, Telephone
from calls.autojoin import QuietHours, quiet_hours
from calls.private_calls import PrivateCalls
from calls.schedule import Limits
from calls.schedule_driver import Appointments, Tell, Way
from calls.wake_up import ScheduledWakeUp
from config import Settings
from storage import chats
from storage.appointments import Appointment, Method
from storage.database import Database


class Messages(Tell, Protocol):
    """Tells chats of appointments."""

    async def link(self, appointment: Appointment, url: str) -> bool:
        """Send a link to the call page; whether it could be sent."""


def appointments(
    settings: Settings,
    database: Database,
    messages: Messages,
    *,
    group_calls: GroupCalls,
    private_calls: PrivateCalls,
    links: Links,
    telephone: Telephone,
    owner_chat: int,
) -> Appointments:
    """The appointments, to be entered; ``owner_chat`` gives the hours of those of no chat."""

    async def quiet_of(chat_id: int) -> QuietHours | None:
        chat = await chats.get(database, chat_id or owner_chat)
        return quiet_hours(chat.quiet_from, chat.quiet_until, chat.time_zone or settings.time_zone)

    ways: dict[Method, Way] = {Method.GROUP: ByGroup(group_calls, messages), Method.PRIVATE: ByPrivateCall(private_calls)}
    if settings.http_port:
        ways[Method.BROWSER] = ByLink(links, messages.link)
    if telephone.enabled:
        ways[Method.PHONE] = ByPhone(telephone)
    return Appointments(
        StoredAppointments(database),
        ways,
        ScheduledWakeUp(),
        tell=messages,
        quiet_of=quiet_of,
        limits=Limits(settings.max_retries, settings.retry_delay, settings.max_call_duration),
    )
