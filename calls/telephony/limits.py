"""How much may be telephoned within a day; what was is kept in the database, so a restart changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from calls.errors import CallError
from calls.telephony import failures
from config import Settings
from storage import phone_calls
from storage.database import Database
from storage.phone_calls import Cap, Caps


class Limits:
    """``clock`` gives seconds since the epoch."""

    def __init__(self, database: Database, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def reserve(self, number: str, longest_s: float, *, outgoing: bool) -> int:
        """Count a call that is about to begin; returns what :meth:`settle` and :meth:`forget` want.

        :raises calls.errors.CallError: no such call may be made today.
        :raises storage.errors.StorageError: it could not be counted, so it must not be made.
        """
        settings = self._settings
        caps = Caps(
            calls=settings.phone_calls_per_day,
            to_a_number=settings.phone_calls_per_number,
            seconds=settings.phone_minutes_per_day * 60.0,
        )
        counted = await phone_calls.reserve(self._database, number, outgoing=outgoing, longest_s=longest_s, caps=caps, now=self._clock())
        if isinstance(counted, Cap):
            raise self._used_up(counted)
        return counted

    def _used_up(self, cap: Cap) -> CallError:
        settings = self._settings
        match cap:
            case Cap.CALLS:
                return failures.per_day(settings.phone_calls_per_day)
            case Cap.TO_A_NUMBER:
                return failures.per_number(settings.phone_calls_per_number)
            case Cap.SECONDS:
                return failures.minutes(settings.phone_minutes_per_day)

    async def settle(self, reserved: int, seconds: float) -> None:
        """The call is over and has lasted so long.

        :raises storage.errors.StorageError: it could not be kept; then the longest time it might have lasted counts.
        """
        await phone_calls.settle(self._database, reserved, seconds)

    async def forget(self, reserved: int) -> None:
        """The carrier has not even tried to call.

        :raises storage.errors.StorageError: it could not be kept; then the call counts.
        """
        await phone_calls.forget(self._database, reserved)
