"""Telephoning: calls are placed and taken, followed by what the carrier tells of them, and ended in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from calls import errors, events
from calls.errors import CallError, Failure
from calls.guest_calls import GuestCalls
from calls.lines.carriers import MediaSocket
from calls.lines.pacer import Pacer
from calls.private_call import Direction
from calls.telephony import failures, notice, numbers, twiml
from calls.telephony.callers import Callers
from calls.telephony.carrier import Carrier, Order
from calls.telephony.limits import Limits
from calls.telephony.media_sockets import TOKEN, MediaSockets
from calls.telephony.ongoing import Ongoing
from calls.telephony.phone_call import PhoneCall, PhoneWishes, Stage
from calls.telephony.switchboard import Switchboard
from config import Settings
from errors import ParleyError
from storage.errors import StorageError

log = logging.getLogger(__name__)

SOUND_WITHIN_S: Final = 30.0
"""After a call could have been answered at the latest, its sound must be there by then."""
THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
"""A carrier elsewhere reaches only addresses with https; one in a box here reaches any."""
STATUS_PATH: Final = "/twilio/status"
MEDIA_PATH: Final = "/twilio/media"

_STAGES: Final = {
    "queued": Stage.QUEUED,
    "initiated": Stage.QUEUED,
    "ringing": Stage.RINGING,
    "in-progress": Stage.ANSWERED,
    "answered": Stage.ANSWERED,
    "completed": Stage.COMPLETED,
    "busy": Stage.BUSY,
    "no-answer": Stage.NO_ANSWER,
    "failed": Stage.FAILED,
    "canceled": Stage.CANCELED,
}
_FAILED_AS: Final[dict[Stage, Failure]] = {
    Stage.BUSY: failures.BUSY,
    Stage.NO_ANSWER: failures.NO_ANSWER,
    Stage.FAILED: failures.UNREACHABLE,
    Stage.CANCELED: failures.CANCELED,
    Stage.COMPLETED: failures.HUNG_UP_AT_ONCE,
}


def missing(settings: Settings) -> list[str]:
    """The settings that telephone calls need and that are not set."""
    from_outside = urlsplit(settings.twilio_api_url).hostname not in THIS_MACHINE
    needed = {
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "TWILIO_PHONE_NUMBER": settings.twilio_phone_number,
        "API_BASE_URL (https)": (settings.api_base_url or "").startswith("https:" if from_outside else "http"),
        "HTTP_PORT": settings.http_port,
    }
    return [name for name, value in needed.items() if not value]


class PhoneCalls:
    """An async context manager that hangs up at its end. Without a ``carrier`` telephone calls are off, and everything says so.

    ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        carrier: Carrier | None,
        guests: GuestCalls,
        pacer: Pacer,
        limits: Limits,
        bus: events.EventBus,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._base_url = (settings.api_base_url or "").rstrip("/")
        self._prefixes = numbers.parsed_list(settings.phone_allowed_prefixes)
        self._language = settings.language if settings.language != "auto" else "en"
        self._callers = Callers(numbers.parsed_list(settings.phone_allowed_callers), self._language, time.monotonic)
        self._board = Switchboard(settings, carrier, guests, limits, clock)
        self._sockets = MediaSockets(self._board, guests, pacer, bus, language=self._language, name=settings.bot_name)

    async def __aenter__(self) -> PhoneCalls:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._board.drain()
        await self._board.close()

    async def drain(self) -> None:
        """Call nobody any more, take no calls, and hang up where nobody has answered yet; those who talk are taken leave of elsewhere."""
        self._board.drain()

    # ---- what people and programs ask

    @property
    def enabled(self) -> bool:
        """Whether there is a carrier."""
        return self._board.carrier is not None

    async def place(self, written: str, wishes: PhoneWishes | None = None) -> PhoneCall:
        """Have a number called; returns when the carrier has taken the order. What becomes of it shows in the call.

        :raises calls.errors.CallError: it may not be called, or the carrier does not do it.
        :raises storage.errors.StorageError: the call could not be counted.
        """
        return (await self._placed(written, wishes or PhoneWishes())).call

    async def call(self, written: str, wishes: PhoneWishes | None = None) -> PhoneCall:
        """Call a number; returns when somebody has answered and can be talked with. Cancelling hangs up.

        :raises calls.errors.CallError: it may not be called, is busy, does not answer, cannot be reached.
        :raises storage.errors.StorageError: the call could not be counted.
        """
        ongoing = await self._placed(written, wishes or PhoneWishes())
        try:
            await asyncio.shield(ongoing.connected)
        except asyncio.CancelledError:
            self._board.end(ongoing, Stage.CANCELED, errors.of(failures.CANCELED))
            raise
        return ongoing.call

    async def hang_up(self, call_id: str | None = None) -> PhoneCall:
        """End a call, or stop calling; without an id the newest. Returns when its conversation is over.

        :raises calls.errors.CallError: there is no such call.
        """
        ongoing = self._board.book.find(call_id) if call_id is not None else next(reversed(self._board.book.all), None)
        if ongoing is None:
            raise errors.of(failures.NO_CALL)
        if (guest := ongoing.call.guest) is not None:
            guest.hang_up()
        else:
            self._board.end(ongoing, Stage.CANCELED, errors.of(failures.CANCELED))
        await asyncio.shield(ongoing.over)
        return ongoing.call

    @property
    def calls(self) -> Sequence[PhoneCall]:
        """Those that have not ended, oldest first."""
        return [ongoing.call for ongoing in self._board.book.all]

    def find(self, call_id: str) -> PhoneCall | None:
        """A call that has not ended, or has lately."""
        ongoing = self._board.book.find(call_id)
        return ongoing.call if ongoing else next((call for call in self._board.book.recent if call.call_id == call_id), None)

    # ---- placing a call

    async def _placed(self, written: str, wishes: PhoneWishes) -> Ongoing:
        if self._board.carrier is None:
            raise failures.off(missing(self._settings))
        number = numbers.parsed(written)
        if number == self._settings.twilio_phone_number:
            raise errors.of(failures.OWN_NUMBER)
        numbers.check_allowed(number, self._prefixes)
        ongoing = self._board.begin(number, Direction.OUTGOING, wishes)
        try:
            ongoing.reserved = await self._limits.reserve(number, self._board.longest_s(wishes), outgoing=True)
            sid = await self._board.carrier.place(self._order(ongoing))
        except BaseException as error:
            await asyncio.shield(self._never_was(ongoing, error))
            raise
        if not ongoing.sid.done():
            ongoing.sid.set_result(sid)
        log.info("calling %s: call %s, carrier's id …%s", ongoing.call.shown, ongoing.call.call_id, sid[-4:])
        if ongoing.call.over:
            self._board.spawn(self._board.tell_carrier(sid))
        else:
            self._board.watch(ongoing, self._settings.phone_ring_s + SOUND_WITHIN_S)
        return ongoing

    async def _never_was(self, ongoing: Ongoing, error: BaseException) -> None:
        """A call that the carrier has certainly not made counts for nothing."""
        told = error if isinstance(error, CallError) else errors.of(failures.CANCELED)
        if isinstance(error, CallError) and error.key != failures.CARRIER_DOWN.key and ongoing.reserved is not None:
            reserved, ongoing.reserved = ongoing.reserved, None
            with contextlib.suppress(StorageError):
                await self._limits.forget(reserved)
        self._board.end(ongoing, Stage.FAILED, told)

    def _order(self, ongoing: Ongoing) -> Order:
        return Order(
            number=ongoing.call.number,
            twiml=self._connect(ongoing),
            ring_s=self._settings.phone_ring_s,
            longest_s=self._board.longest_s(ongoing.call.wishes),
            status_url=f"{self._base_url}{STATUS_PATH}",
        )

    def _connect(self, ongoing: Ongoing) -> str:
        return twiml.connect(f"ws{self._base_url.removeprefix('http')}{MEDIA_PATH}", {TOKEN: ongoing.token})

    # ---- what the carrier tells

    async def incoming(self, sid: str, number: str) -> str:
        """Somebody calls: what the carrier is to do, in its markup. Asked again for the same call, it answers the same; a call
        that has ended does not begin anew."""
        if self._board.carrier is None or not self._callers.may_call(number):
            log.info("a call from %s is not taken", numbers.shown(number))
            return self._callers.refusal(number)
        if self._board.book.was_ours(sid):
            return twiml.reject()
        if (known := self._board.book.known(sid)) is not None:
            return self._connect(known)
        try:
            ongoing = self._board.begin(number, Direction.INCOMING, PhoneWishes())
        except CallError as refusal:
            return self._no_room(refusal)
        ongoing.sid.set_result(sid)
        ongoing.call.stage = Stage.RINGING
        try:
            ongoing.reserved = await self._limits.reserve(number, self._board.longest_s(ongoing.call.wishes), outgoing=False)
        except ParleyError as refusal:
            self._board.end(ongoing, Stage.FAILED, refusal if isinstance(refusal, CallError) else None, tell_carrier=False)
            return self._no_room(refusal)
        self._board.watch(ongoing, SOUND_WITHIN_S)
        return self._connect(ongoing)

    def _no_room(self, refusal: ParleyError) -> str:
        log.warning("a call cannot be taken: %s", refusal)
        return twiml.say(notice.no_room(self._language), self._language)

    async def status(self, sid: str, status: str, sequence: int | None) -> bool:
        """The carrier tells how a call stands; news that were told before, or are older, change nothing. False: no call of ours."""
        ongoing = await self._board.book.of_carrier(sid)
        if ongoing is None:
            return self._board.book.was_ours(sid)
        if ongoing.is_new(status, sequence) and (stage := _STAGES.get(status)) is not None:
            self._goes_on(ongoing, stage)
        return True

    def _goes_on(self, ongoing: Ongoing, stage: Stage) -> None:
        call = ongoing.call
        if stage in _FAILED_AS:
            talked = call.guest is not None
            self._board.end(ongoing, stage, None if talked else errors.of(_FAILED_AS[stage]), tell_carrier=False)
        elif call.stage in (Stage.QUEUED, Stage.RINGING):
            if stage is Stage.ANSWERED:
                call.answered_at = self._board.now()
            self._board.to(call, stage)

    # ---- the sound

    async def serve(self, socket: MediaSocket) -> None:
        """Conduct the call whose media socket this is, to its end; see :meth:`calls.telephony.media_sockets.MediaSockets.serve`."""
        await self._sockets.serve(socket)
