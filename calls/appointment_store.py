"""What appointments need kept over a restart: in the database, or in memory for as long as the program runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from storage import appointments
from storage.appointments import Appointment, Run, RunState
from storage.database import Database


class AppointmentStore(Protocol):
    """Every method raises :class:`storage.errors.StorageError` when something cannot be kept or read."""

    async def add(self, appointment: Appointment) -> Appointment:
        """Keep a new one, which is returned with its id.

        :raises storage.errors.TooMany: there are as many as there may be.
        """

    async def load(self) -> Mapping[Appointment, Sequence[Run]]:
        """All that have not ended, and what is kept of their occurrences."""

    async def end(self, appointment_id: int, at: float) -> None:
        """No more occurrences."""

    async def claim(self, run: Run, before: Run | None) -> bool:
        """Keep how an occurrence goes on if it still is as ``before``; whether it was. ``None``: unclaimed, or missed."""


class StoredAppointments:
    """An :class:`AppointmentStore` over the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, appointment: Appointment) -> Appointment:
        """See the protocol."""
        return await appointments.add(self._database, appointment)

    async def load(self) -> Mapping[Appointment, Sequence[Run]]:
        """See the protocol."""
        return await appointments.load(self._database)

    async def end(self, appointment_id: int, at: float) -> None:
        """See the protocol."""
        await appointments.end(self._database, appointment_id, at)

    async def claim(self, run: Run, before: Run | None) -> bool:
        """See the protocol."""
        return await appointments.claim(self._database, run, before)


class MemoryAppointments:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self.appointments: dict[int, Appointment] = {}
        self.runs: dict[tuple[int, str], Run] = {}

    async def add(self, appointment: Appointment) -> Appointment:
        """See :class:`AppointmentStore`."""
        kept = replace(appointment, id=max(self.appointments, default=0) + 1)
        self.appointments[kept.id] = kept
        return kept

    async def load(self) -> Mapping[Appointment, Sequence[Run]]:
        """See :class:`AppointmentStore`."""
        runs = self.runs.values()
        return {each: [run for run in runs if run.appointment_id == each.id] for each in self.appointments.values()}

    async def end(self, appointment_id: int, at: float) -> None:
        """See :class:`AppointmentStore`."""
        self.appointments.pop(appointment_id, None)

    async def claim(self, run: Run, before: Run | None) -> bool:
        """See :class:`AppointmentStore`."""
        kept = self.runs.get((run.appointment_id, run.occurrence))
        if before is None:
            free = kept is None or kept.state is RunState.MISSED
        else:
            free = kept is not None and (kept.state, kept.attempts) == (before.state, before.attempts)
        if free:
            self.runs[run.appointment_id, run.occurrence] = run
        return free
