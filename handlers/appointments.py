"""``/schedule``, ``/schedules`` and ``/unschedule``: calls at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from calls.appointment_wishes import LONGEST_MINUTES, METHODS, at_rule, checked, written
from calls.autojoin import quiet_hours
from calls.diary import Diary
from calls.schedule_driver import Listed
from calls.when import EXAMPLES, WrongTime, read_when
from errors import ParleyError
from handlers.command import Authority, Command, Request, WrongArguments
from handlers.services import Services
from handlers.wording import of_error
from storage.appointments import Appointment, Method

FAMILY: Final = "appointments"
ME: Final = "me"
MOST_LISTED: Final = 40
WITH_TARGET: Final = (Method.PRIVATE, Method.PHONE)


class AppointmentCommands:
    """Calls at a time, in the time zone of the chat."""

    def __init__(self, services: Services, diary: Diary) -> None:
        self._services = services
        self._diary = diary

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.CALL_MANAGER, in_private=True)
        yield command(
            name="schedule",
            usage="/schedule WHEN [group | private @user | browser | phone +NUMBER] [minutes=N] [FIRST SENTENCE [| PURPOSE]]",
            example="/schedule mon,wed,fri 09:00 Good morning! | Ask how everybody slept.",
            answer=self.schedule,
            cost=3,
        )
        yield command(name="schedules", usage="/schedules", answer=self.schedules)
        yield command(name="unschedule", usage="/unschedule NUMBER", example="/unschedule 3", answer=self.unschedule, urgent=True)

    async def schedule(self, request: Request) -> str:
        """Make an appointment."""
        chat = await self._services.chat(request.chat_id)
        zone = ZoneInfo(chat.time_zone or self._services.settings.time_zone)
        if not request.arguments:
            raise WrongArguments(request.say("appointment.no_time", examples=EXAMPLES))
        try:
            when = read_when(request.arguments, datetime.fromtimestamp(self._services.clock(), UTC), zone)
        except WrongTime as error:
            raise WrongArguments(of_error(request.language, error)) from None
        wish = self._wish(request, when.rest.split(" "))
        if wish.method is not Method.GROUP and request.authority < Authority.SUDO:
            return request.say("refused.sudo")
        listed = await self._diary.add(checked(at_rule(wish, when.rule, zone)))
        lines = [request.say("appointment.made", appointment=self._described(request, listed))]
        quiet = quiet_hours(chat.quiet_from, chat.quiet_until, zone.key)
        if quiet is not None and quiet.hold_at(listed.next_at):
            lines.append(request.say("appointment.in_quiet_hours", begin=f"{quiet.begin:%H:%M}", end=f"{quiet.end:%H:%M}"))
        return "\n".join(lines)

    def _wish(self, request: Request, words: list[str]) -> Appointment:
        """What stands behind the time."""
        usual = Method.PRIVATE if request.is_private else Method.GROUP
        wish = Appointment(
            chat_id=request.chat_id,
            title=request.title,
            method=usual,
            target=str(request.sender_id) if request.is_private else "",
            created_by=request.sender_id,
            longest_s=self._diary.limits.longest_s,
        )
        if words and (method := METHODS.get(words[0].lower().rstrip(":"))):
            words = words[1:]
            target = words.pop(0) if method in WITH_TARGET and words else ""
            wish = replace(wish, method=method, target=str(request.sender_id) if target.lower() == ME else target)
        if words and words[0].lower().startswith("minutes="):
            wish = replace(wish, longest_s=60.0 * _minutes(request, words.pop(0)[len("minutes=") :]))
        opening, _, purpose = " ".join(words).partition("|")
        return replace(wish, opening=opening.strip(), purpose=purpose.strip())

    async def schedules(self, request: Request) -> str:
        """Those still to come: of this chat; in private, of all chats for those who command everywhere."""
        everywhere = request.is_private and request.authority >= Authority.SUDO
        found = self._diary.listed(None if everywhere else request.chat_id)
        if not found:
            return request.say("appointment.none")
        lines = [self._described(request, each) for each in found[:MOST_LISTED]]
        more = [request.say("calls.more", count=len(found) - len(lines))] if len(found) > len(lines) else []
        return "\n".join([request.say("appointment.title"), *lines, *more])

    async def unschedule(self, request: Request) -> str:
        """Cancel one."""
        number = request.arguments.lstrip("#№")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise WrongArguments
        appointment = self._diary.find(int(number))
        everywhere = request.is_private and request.authority >= Authority.SUDO
        if appointment is None or not (everywhere or appointment.chat_id == request.chat_id):
            raise ParleyError(f"There is no appointment {number} here.", key="appointment.unknown", fields={"id": number})
        await self._diary.cancel(appointment.id)
        return request.say("appointment.cancelled", id=appointment.id)

    def _described(self, request: Request, listed: Listed) -> str:
        appointment = listed.appointment
        due = f"{listed.next_at.astimezone(ZoneInfo(appointment.time_zone)):%Y-%m-%d %H:%M}"
        how = request.say(f"appointment.how.{appointment.method}", target=appointment.target)
        when = due if appointment.once_at is not None else request.say("appointment.weekly", rule=written(appointment), next=due)
        state = f" {request.say(f'appointment.state.{listed.state}')}" if listed.state else ""
        opening = f": {appointment.opening}" if appointment.opening else ""
        return f"{appointment.id} · {when} ({appointment.time_zone}) · {how}{state}{opening}"


def _minutes(request: Request, text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= LONGEST_MINUTES:
        return int(text)
    raise WrongArguments(request.say("not_a_number", given=text[:40], least=1, most=LONGEST_MINUTES))
