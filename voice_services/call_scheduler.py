"""Appointments: ``get_call_scheduler().schedule_call(user_id=…, call_method="webrtc", scheduled_time=…)``.

``MAX_CALL_DURATION``, ``MAX_RETRIES`` and ``RETRY_DELAY`` are settings of Parley.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from calls.appointment_wishes import METHODS, at_rule, checked
from calls.when import read_when
from config import load_settings
from control.client import NotReached
from errors import ParleyError
from storage import appointments
from storage.appointments import Appointment, Method
from storage.database import FILE_NAME, Database
from voice_services.loop_thread import wait_for
from voice_services.running_parley import ask

OWNER: Final = 0
"""Stands for the owner's chat where no Parley runs that could be asked for it."""
PURPOSES: Final[Mapping[str, tuple[str, str]]] = {
    "check_in": ("Hello! I am calling to see how you are doing.", "This is a check-in call: ask how things are going, and listen."),
    "habit_reminder": ("Hello! This is your reminder.", "Remind of the habits that were agreed on, ask how they go, and encourage."),
}
"""What is said first, and what the call is for. Any other purpose is told to the brain as it is."""


class Directory(Protocol):
    """Knows telephone numbers: a dict will do."""

    def get(self, user_id: str, /) -> Any:
        """A number, or a mapping with ``phone_number``; ``None``: unknown."""


class CallScheduler:
    """Made by :func:`get_call_scheduler`. ``db_client`` knows the telephone numbers of users, if there is one."""

    def __init__(self, db_client: Directory | None = None) -> None:
        self.db_client = db_client

    def schedule_call(
        self,
        user_id: str | int,
        call_method: str,
        scheduled_time: datetime,
        call_purpose: str = "",
        *,
        phone_number: str | None = None,
        time_zone: str | None = None,
    ) -> int:
        """One call; returns the number of the appointment.

        ``call_method`` is ``webrtc`` (a link is sent), ``twilio`` (a telephone call), ``telegram`` (a private call) or ``telegram_group``.
        A ``scheduled_time`` without a time zone is one of ``time_zone``, else of the settings.

        :raises errors.ParleyError: that time has passed, nobody can be called so, or it could not be kept.
        """
        return self._add(
            scheduled_time.replace(microsecond=0).isoformat(), str(user_id), call_method, call_purpose, phone_number, time_zone
        )

    def schedule_recurring_call(
        self,
        user_id: str | int,
        call_method: str,
        days_of_week: Sequence[str],
        time_of_day: str,
        call_purpose: str = "",
        *,
        phone_number: str | None = None,
        time_zone: str | None = None,
    ) -> int:
        """A call on these days (``mon`` to ``sun``) of every week; the rest is as for :meth:`schedule_call`."""
        return self._add(f"every {','.join(days_of_week)} {time_of_day}", str(user_id), call_method, call_purpose, phone_number, time_zone)

    def list_calls(self) -> list[dict[str, Any]]:
        """The appointments still to come, the next one first, as ``schedule.list`` tells them.

        :raises errors.ParleyError: no Parley runs.
        """
        return list(ask("schedule.list")["appointments"])

    def cancel_call(self, appointment_id: int) -> None:
        """Cancel one.

        :raises errors.ParleyError: there is no such appointment, or no Parley runs.
        """
        ask("schedule.cancel", id=appointment_id)

    def _add(self, when: str, user_id: str, method: str, purpose: str, number: str | None, time_zone: str | None) -> int:
        if method not in METHODS:
            raise ParleyError(f"There is no call method {method[:40]}.", f"There are: {', '.join(METHODS)}.")
        chat_id, target = self._whom(METHODS[method], user_id, number)
        opening, about = PURPOSES.get(purpose, ("", purpose.replace("_", " ")))
        wish = Appointment(
            chat_id=chat_id, method=METHODS[method], target=target, opening=opening, purpose=f"{about} User: {user_id}.".strip()
        )
        try:
            asked = {"target": wish.target, "opening": wish.opening, "purpose": wish.purpose, "time_zone": time_zone}
            return int(ask("schedule.add", when=when, method=wish.method.value, chat_id=chat_id or None, **asked)["id"])
        except NotReached:
            return wait_for(_keep(wish, when, time_zone))

    def _whom(self, method: Method, user_id: str, number: str | None) -> tuple[int, str]:
        """The chat whose manners hold, and who is called."""
        is_telegram = user_id.lstrip("-").isdecimal()
        match method:
            case Method.PHONE:
                return OWNER, number or self._number_of(user_id)
            case Method.PRIVATE:
                return OWNER, user_id
            case Method.GROUP:
                return (int(user_id) if is_telegram else OWNER), ""
        return OWNER, user_id if is_telegram else ""

    def _number_of(self, user_id: str) -> str:
        found = self.db_client.get(user_id) if self.db_client is not None else None
        number = found.get("phone_number") if isinstance(found, Mapping) else found
        return str(number) if number else user_id


async def _keep(wish: Appointment, when: str, time_zone: str | None) -> int:
    """No Parley runs: it finds the appointment when it is started.

    :raises errors.ParleyError: it cannot be made or kept.
    """
    settings = load_settings()
    now = datetime.now(UTC)
    zone = ZoneInfo(time_zone or settings.time_zone)
    rule = read_when(when, now, zone).rule
    made = checked(at_rule(wish, rule, zone))
    database = await Database.open(settings.data_dir / FILE_NAME)
    try:
        kept = await appointments.add(database, replace(made, created_at=now.timestamp(), longest_s=settings.max_call_duration))
    finally:
        await database.close()
    return kept.id


@cache
def _the_one() -> CallScheduler:
    return CallScheduler()


def get_call_scheduler(db_client: Directory | None = None) -> CallScheduler:
    """The one of this process; it uses the ``db_client`` that was given last."""
    scheduler = _the_one()
    if db_client is not None:
        scheduler.db_client = db_client
    return scheduler
