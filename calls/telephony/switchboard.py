"""The telephone calls that are under way, and what begins and ends each of them the same way wherever that is noticed."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from calls import errors
from calls.errors import CallError
from calls.guest_calls import GuestCalls
from calls.private_call import Direction
from calls.telephony import failures
from calls.telephony.carrier import Carrier
from calls.telephony.limits import Limits
from calls.telephony.ongoing import Book, Ongoing
from calls.telephony.phone_call import PhoneCall, PhoneWishes, Stage
from config import Settings
from storage.errors import StorageError

log = logging.getLogger(__name__)

LEAVING_WITHIN_S: Final = 3.0


class Switchboard:
    """``carrier`` is ``None`` where telephone calls are off; ``clock`` gives seconds since the epoch."""

    def __init__(
        self, settings: Settings, carrier: Carrier | None, guests: GuestCalls, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self.carrier = carrier
        self.book = Book()
        self._settings = settings
        self._guests = guests
        self._limits = limits
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops = False

    def drain(self) -> None:
        """Begin no more calls, and hang up where nobody has answered yet."""
        self._stops = True
        for ongoing in self.book.all:
            if ongoing.call.guest is None:
                self.end(ongoing, Stage.CANCELED, errors.of(failures.STOPPING))

    async def close(self) -> None:
        """Finish what is being told to the carrier."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.carrier is not None:
            await self.carrier.close()

    def now(self) -> float:
        """In seconds since the epoch."""
        return self._clock()

    def begin(self, number: str, direction: Direction, wishes: PhoneWishes) -> Ongoing:
        """One more.

        :raises calls.errors.CallError: there are as many as may be, there is no room, or Parley is about to end.
        """
        if self._stops:
            raise errors.of(failures.STOPPING)
        if len(self.book.all) >= self._settings.phone_calls_at_once:
            raise failures.at_once(self._settings.phone_calls_at_once)
        if (refusal := self._guests.refusal()) is not None:
            raise refusal
        ongoing = Ongoing(PhoneCall(secrets.token_hex(8), number, direction, self._clock(), wishes))
        self.book.add(ongoing)
        return ongoing

    def longest_s(self, wishes: PhoneWishes) -> float:
        """How long a call may last."""
        return min(wishes.longest_s or self._settings.phone_longest_s, self._settings.phone_longest_s)

    def watch(self, ongoing: Ongoing, within_s: float) -> None:
        """Give the call up if its sound has not come by then."""
        if ongoing.guard is None:
            ongoing.guard = self.spawn(self._until_late(ongoing, within_s))

    async def _until_late(self, ongoing: Ongoing, within_s: float) -> None:
        await asyncio.sleep(within_s)
        answered = ongoing.call.answered_at is not None or ongoing.call.direction is Direction.INCOMING
        self.end(ongoing, Stage.FAILED, errors.of(failures.NO_SOUND if answered else failures.NO_NEWS))

    def to(self, call: PhoneCall, stage: Stage) -> None:
        """The call has come to a stage."""
        call.stage, call.since = stage, self._clock()
        log.info("telephone call %s (%s): %s", call.call_id, call.shown, stage)

    def end(self, ongoing: Ongoing, stage: Stage, error: CallError | None, *, tell_carrier: bool = True) -> None:
        """What was told first counts. ``tell_carrier``: it does not know by itself."""
        call = ongoing.call
        if call.over:
            return
        seconds = self._clock() - call.answered_at if call.answered_at is not None else 0.0
        self.to(call, stage)
        call.error = error
        self.book.end(ongoing)
        if ongoing.guard is not None:
            ongoing.guard.cancel()
        if call.guest is not None:
            call.guest.hang_up()
        if not ongoing.connected.done():
            ongoing.connected.set_exception(error or errors.of(failures.CANCELED))
            ongoing.connected.exception()
        self.spawn(self._leave(ongoing, seconds, tell_carrier=tell_carrier))

    async def _leave(self, ongoing: Ongoing, seconds: float, *, tell_carrier: bool) -> None:
        try:
            if tell_carrier and ongoing.sid.done() and not ongoing.sid.cancelled():
                await self.tell_carrier(ongoing.sid.result())
            if ongoing.reserved is not None:
                await self._limits.settle(ongoing.reserved, seconds)
        except StorageError as error:
            log.warning("how long a telephone call lasted is not kept: %s", error)
        finally:
            if not ongoing.over.done():
                ongoing.over.set_result(None)

    async def tell_carrier(self, sid: str) -> None:
        """Have the carrier end a call."""
        if self.carrier is not None:
            try:
                await self.carrier.hang_up(sid)
            except CallError as error:
                log.warning("the carrier was not told that a call is over: %s", error)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
