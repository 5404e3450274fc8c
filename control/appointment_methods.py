"""The methods about appointments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from calls.appointment_wishes import LONGEST_MINUTES, METHODS, MOST_CHARACTERS, at_rule, checked, written
from calls.diary import Diary
from calls.schedule_driver import Listed
from calls.when import EXAMPLES, read_when
from control.jsonrpc import Caller, Method, Params, Result
from control.methods import ChatId
from control.rpc_errors import Code, RpcError
from control.services import ControlServices
from errors import ParleyError
from storage import appointments, chats
from storage.appointments import Appointment


def _method(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"it should be one of {', '.join(appointments.Method)}")
    return name


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("it should be the name of a time zone, such as Europe/Madrid")
    return name


class Add(Params):
    """When who is called, and why."""

    when: str = Field(min_length=1, max_length=100, description=f"Such as: {EXAMPLES}")
    method: Annotated[str, AfterValidator(_method)] = Field(
        "group", description="group, private, browser or phone; also telegram (private), webrtc (browser) and twilio (phone)."
    )
    chat_id: ChatId | None = Field(
        None, description="The group that is called; else the chat whose persona, quiet hours and time zone hold. The owner's if left out."
    )
    target: str = Field(
        "", max_length=64, description="private: a user id or @name. phone: a number. browser: the chat to be sent the link."
    )
    opening: str = Field("", max_length=MOST_CHARACTERS, description="What is said first.")
    purpose: str = Field("", max_length=MOST_CHARACTERS, description="What the brain is told that the call is for.")
    longest_s: float | None = Field(
        None, ge=30, le=60 * LONGEST_MINUTES, description="How long the call may last; MAX_CALL_DURATION if left out."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(None, description="That of the chat if left out.")


class OfChat(Params):
    """Of which chat; of all if left out."""

    chat_id: ChatId | None = None


class Cancel(Params):
    """Which one."""

    id: int = Field(ge=1, lt=2**63)


class Made(Result):
    """An appointment. ``next_at`` is in seconds since the epoch, ``when`` reads as ``schedule.add`` takes it."""

    id: int
    chat_id: int
    method: str
    target: str
    when: str
    time_zone: str
    next_at: float
    opening: str
    purpose: str
    longest_s: float
    state: str | None = Field(None, description="ringing or waiting (to be tried again), if it is under way.")


class All(Result):
    """Those still to come, the next one first."""

    appointments: list[Made]


class Cancelled(Result):
    """No more calls."""

    id: int
    cancelled: bool = True


class UnknownAppointment(ParleyError):
    """There is no such appointment, or no more."""


class AppointmentMethods:
    """``schedule.add``, ``schedule.list`` and ``schedule.cancel``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def methods(self) -> Iterator[Method]:
        """Their declarations."""
        yield Method(
            name="schedule.add",
            params=Add,
            result=Made,
            answer=self.add,
            summary="Make an appointment: somebody is called at a time, or at the same time every week or day.",
            errors=(Code.FAILED, Code.BUSY),
        )
        yield Method(name="schedule.list", params=OfChat, result=All, answer=self.all, summary="The appointments still to come.")
        yield Method(
            name="schedule.cancel",
            params=Cancel,
            result=Cancelled,
            answer=self.cancel,
            summary="Cancel an appointment; a call that nobody has answered yet is broken off.",
            errors=(Code.FAILED,),
        )

    async def add(self, params: Add, _caller: Caller) -> Made:
        """Make one."""
        return await add(self._services, params)

    async def all(self, params: OfChat, _caller: Caller) -> All:
        """Those to come."""
        return listed(self._services, params.chat_id)

    async def cancel(self, params: Cancel, _caller: Caller) -> Cancelled:
        """Cancel one."""
        return await cancel(self._services, params.id)


async def add(services: ControlServices, asked: Add) -> Made:
    """Make an appointment as a program asks for it.

    :raises errors.ParleyError: it cannot be made.
    """
    diary = _diary(services)
    chat_id = asked.chat_id if asked.chat_id is not None else services.owner_chat
    chat = await chats.get(services.database, chat_id)
    zone = ZoneInfo(asked.time_zone or chat.time_zone or services.time_zone)
    when = read_when(asked.when, datetime.fromtimestamp(services.clock(), UTC), zone)
    if when.rest:
        raise ParleyError(f"This is behind the time: {when.rest[:40]}", f"Give the time alone, such as: {EXAMPLES}")
    wish = Appointment(
        chat_id=chat_id,
        title=chat.title,
        method=METHODS[asked.method],
        target=asked.target,
        opening=asked.opening,
        purpose=asked.purpose,
        longest_s=asked.longest_s or diary.limits.longest_s,
        created_by=services.account_id,
    )
    return _made(await diary.add(checked(at_rule(wish, when.rule, zone))))


def listed(services: ControlServices, chat_id: int | None) -> All:
    """The appointments still to come, of a chat or of all."""
    return All(appointments=[_made(each) for each in _diary(services).listed(chat_id)])


async def cancel(services: ControlServices, appointment_id: int) -> Cancelled:
    """Cancel one.

    :raises UnknownAppointment: there is none of this number.
    """
    if not await _diary(services).cancel(appointment_id):
        raise UnknownAppointment(
            f"There is no appointment {appointment_id}.", "schedule.list tells those there are.",
            key="appointment.unknown", fields={"id": appointment_id},
        )  # fmt: skip
    return Cancelled(id=appointment_id)


def _diary(services: ControlServices) -> Diary:
    if services.appointments is None:
        raise RpcError(Code.FAILED, "This Parley keeps no appointments.")
    return services.appointments


def _made(each: Listed) -> Made:
    appointment = each.appointment
    return Made(
        id=appointment.id,
        chat_id=appointment.chat_id,
        method=appointment.method.value,
        target=appointment.target,
        when=written(appointment),
        time_zone=appointment.time_zone,
        next_at=each.next_at.timestamp(),
        opening=appointment.opening,
        purpose=appointment.purpose,
        longest_s=appointment.longest_s,
        state=each.state.value if each.state else None,
    )
