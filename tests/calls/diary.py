"""Appointments that are kept, and of which nobody is ever called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from calls.appointment_store import StoredAppointments
from calls.occasions import Occasion
from calls.schedule_driver import Appointments
from storage.appointments import Appointment, Method
from storage.database import Database


class NeverWakes:
    def start(self, look: Callable[[], None]) -> None: ...

    def at(self, when: datetime) -> None: ...

    def stop(self) -> None: ...


async def _told(*_: Any, **__: Any) -> bool:
    return True


async def _never_quiet(_chat_id: int) -> None:
    return None


async def _answered(appointment: Appointment, occasion: Occasion) -> None: ...


def diary_of(database: Database, now: float) -> Appointments:
    return Appointments(
        StoredAppointments(database),
        dict.fromkeys(Method, _answered),
        NeverWakes(),
        tell=_told,
        quiet_of=_never_quiet,
        wall_clock=lambda: now,
    )
