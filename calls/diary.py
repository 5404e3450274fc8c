"""What commands and programs need of the appointments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from calls.schedule import Limits
from calls.schedule_driver import Listed
from storage.appointments import Appointment


class Diary(Protocol):
    """See :class:`calls.schedule_driver.Appointments`."""

    limits: Limits

    async def add(self, appointment: Appointment) -> Listed:
        """Make an appointment.

        :raises errors.ParleyError: it cannot be made; the text is for the chat.
        """

    async def cancel(self, appointment_id: int) -> bool:
        """No more calls; false: there is no such appointment."""

    def listed(self, chat_id: int | None = None) -> Sequence[Listed]:
        """Those still to come, of a chat or of all."""

    def find(self, appointment_id: int) -> Appointment | None:
        """The appointment of this id."""
