"""Telephoning: calls are placed and taken, followed by what the carrier tells of them, and ended in time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

from calls import errors, events
from calls.ending import End
from calls.errors import CallError, Failure
from calls.guest_calls import GUEST_IDS_BELOW, Door, GuestCall, GuestCalls, GuestWishes
from calls.lines.carriers import TWILIO, MediaSocket, Started
from calls.lines.line import Participant
from calls.lines.pacer import Pacer
from calls.lines.phone import PhoneLine
from calls.private_call import Direction
from calls.telephony import failures, notice, numbers, twiml
from calls.telephony.callers import Callers
from calls.telephony.carrier import Carrier, Order
from calls.telephony.insisting import Insisting
from calls.telephony.limits import Limits
from calls.telephony.ongoing import Book, Ongoing
from calls.telephony.phone_call import PhoneCall, PhoneWishes, Stage
from config import Settings
from errors import ParleyError
from storage.errors import StorageError

log = logging.getLogger(__name__)

TOKEN: Final = "token"
"""The parameter of the media socket that shows which call it is of."""
ANNOUNCED_WITHIN_S: Final = 5.0
MOST_BEFORE_START: Final = 5
SOUND_WITHIN_S: Final = 30.0
"""After a call could have been answered at the latest, its sound must be there by then."""
LEAVING_WITHIN_S: Final = 3.0
MOST_DIGITS: Final = 64
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
        self._carrier = carrier
        self._guests = guests
        self._pacer = pacer
        self._limits = limits
        self._bus = bus
        self._clock = clock
        self._base_url = (settings.api_base_url or "").rstrip("/")
        self._prefixes = numbers.parsed_list(settings.phone_allowed_prefixes)
        self._language = settings.language if settings.language != "auto" else "en"
        self._callers = Callers(numbers.parsed_list(settings.phone_allowed_callers), self._language, time.monotonic)
        self._book = Book()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops = False

    async def __aenter__(self) -> PhoneCalls:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.drain()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._carrier is not None:
            await self._carrier.close()

    async def drain(self) -> None:
        """Call nobody any more, take no calls, and hang up where nobody has answered yet; those who talk are taken leave of elsewhere."""
        self._stops = True
        for ongoing in self._book.all:
            if ongoing.call.guest is None:
                self._end(ongoing, Stage.CANCELED, errors.of(failures.STOPPING))

    # ---- what people and programs ask

    @property
    def enabled(self) -> bool:
        """Whether there is a carrier."""
        return self._carrier is not None

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
            self._end(ongoing, Stage.CANCELED, errors.of(failures.CANCELED))
            raise
        return ongoing.call

    async def hang_up(self, call_id: str | None = None) -> PhoneCall:
        """End a call, or stop calling; without an id the newest. Returns when its conversation is over.

        :raises calls.errors.CallError: there is no such call.
        """
        ongoing = self._book.find(call_id) if call_id is not None else next(reversed(self._book.all), None)
        if ongoing is None:
            raise errors.of(failures.NO_CALL)
        if (guest := ongoing.call.guest) is not None:
            guest.hang_up()
        else:
            self._end(ongoing, Stage.CANCELED, errors.of(failures.CANCELED))
        await asyncio.shield(ongoing.over)
        return ongoing.call

    @property
    def calls(self) -> Sequence[PhoneCall]:
        """Those that have not ended, oldest first."""
        return [ongoing.call for ongoing in self._book.all]

    def find(self, call_id: str) -> PhoneCall | None:
        """A call that has not ended, or has lately."""
        ongoing = self._book.find(call_id)
        return ongoing.call if ongoing else next((call for call in self._book.recent if call.call_id == call_id), None)

    # ---- placing a call

    async def _placed(self, written: str, wishes: PhoneWishes) -> Ongoing:
        if self._carrier is None:
            raise failures.off(missing(self._settings))
        number = numbers.parsed(written)
        if number == self._settings.twilio_phone_number:
            raise errors.of(failures.OWN_NUMBER)
        numbers.check_allowed(number, self._prefixes)
        ongoing = self._begin(number, Direction.OUTGOING, wishes)
        try:
            ongoing.reserved = await self._limits.reserve(number, self._longest_s(wishes), outgoing=True)
            sid = await self._carrier.place(self._order(ongoing))
        except BaseException as error:
            told = error if isinstance(error, CallError) else errors.of(failures.CANCELED)
            await asyncio.shield(self._never_was(ongoing, told))
            raise
        if not ongoing.sid.done():
            ongoing.sid.set_result(sid)
        log.info("calling %s: call %s, carrier's id …%s", ongoing.call.shown, ongoing.call.call_id, sid[-4:])
        if ongoing.call.over:
            self._spawn(self._hang_up_at_carrier(sid))
        else:
            self._watch(ongoing, self._settings.phone_ring_s + SOUND_WITHIN_S)
        return ongoing

    def _begin(self, number: str, direction: Direction, wishes: PhoneWishes) -> Ongoing:
        if self._stops:
            raise errors.of(failures.STOPPING)
        if len(self._book.all) >= self._settings.phone_calls_at_once:
            raise failures.at_once(self._settings.phone_calls_at_once)
        if (refusal := self._guests.refusal()) is not None:
            raise refusal
        ongoing = Ongoing(PhoneCall(secrets.token_hex(8), number, direction, self._clock(), wishes))
        self._book.add(ongoing)
        return ongoing

    async def _never_was(self, ongoing: Ongoing, error: CallError) -> None:
        reserved, ongoing.reserved = ongoing.reserved, None
        self._end(ongoing, Stage.FAILED, error)
        if reserved is not None:
            with contextlib.suppress(StorageError):
                await self._limits.forget(reserved)

    def _order(self, ongoing: Ongoing) -> Order:
        return Order(
            number=ongoing.call.number,
            twiml=self._connect(ongoing),
            ring_s=self._settings.phone_ring_s,
            longest_s=self._longest_s(ongoing.call.wishes),
            status_url=f"{self._base_url}{STATUS_PATH}",
        )

    def _connect(self, ongoing: Ongoing) -> str:
        return twiml.connect(f"ws{self._base_url.removeprefix('http')}{MEDIA_PATH}", {TOKEN: ongoing.token})

    def _longest_s(self, wishes: PhoneWishes) -> float:
        return min(wishes.longest_s or self._settings.phone_longest_s, self._settings.phone_longest_s)

    def _watch(self, ongoing: Ongoing, within_s: float) -> None:
        if ongoing.guard is None:
            ongoing.guard = self._spawn(self._until_late(ongoing, within_s))

    async def _until_late(self, ongoing: Ongoing, within_s: float) -> None:
        """Give up a call whose sound does not come."""
        await asyncio.sleep(within_s)
        answered = ongoing.call.answered_at is not None or ongoing.call.direction is Direction.INCOMING
        self._end(ongoing, Stage.FAILED, errors.of(failures.NO_SOUND if answered else failures.NO_NEWS))

    # ---- what the carrier tells

    async def incoming(self, sid: str, number: str) -> str:
        """Somebody calls: what the carrier is to do, in its markup. Asked again for the same call, it answers the same."""
        if self._carrier is None or not self._callers.may_call(number):
            log.info("a call from %s is not taken", numbers.shown(number))
            return self._callers.refusal(number)
        if (known := self._book.known(sid)) is not None:
            return self._connect(known)
        try:
            ongoing = self._begin(number, Direction.INCOMING, PhoneWishes())
        except CallError as refusal:
            return self._no_room(refusal)
        ongoing.sid.set_result(sid)
        ongoing.call.stage = Stage.RINGING
        try:
            ongoing.reserved = await self._limits.reserve(number, self._longest_s(ongoing.call.wishes), outgoing=False)
        except ParleyError as refusal:
            self._end(ongoing, Stage.FAILED, refusal if isinstance(refusal, CallError) else None, tell_carrier=False)
            return self._no_room(refusal)
        self._watch(ongoing, SOUND_WITHIN_S)
        return self._connect(ongoing)

    def _no_room(self, refusal: ParleyError) -> str:
        log.warning("a call cannot be taken: %s", refusal)
        return twiml.say(notice.no_room(self._language), self._language)

    async def status(self, sid: str, status: str, sequence: int | None) -> bool:
        """The carrier tells how a call stands; news that were told before, or are older, change nothing. False: no call of ours."""
        ongoing = await self._book.of_carrier(sid)
        if ongoing is None:
            return self._book.was_ours(sid)
        if ongoing.is_new(status, sequence) and (stage := _STAGES.get(status)) is not None:
            self._goes_on(ongoing, stage)
        return True

    def _goes_on(self, ongoing: Ongoing, stage: Stage) -> None:
        call = ongoing.call
        if stage in _FAILED_AS:
            talked = call.guest is not None
            self._end(ongoing, stage, None if talked else errors.of(_FAILED_AS[stage]), tell_carrier=False)
        elif call.stage in (Stage.QUEUED, Stage.RINGING):
            if stage is Stage.ANSWERED:
                call.answered_at = self._clock()
            self._to(call, stage)

    # ---- the sound

    async def serve(self, socket: MediaSocket) -> None:
        """Conduct the call whose media socket this is, to its end. A socket that shows no call, or one shown before, is closed."""
        ongoing = None
        try:
            stream = await self._announced(socket)
            ongoing = await self._admitted(stream) if stream else None
            if stream and ongoing:
                await self._converse(ongoing, stream, socket)
        finally:
            await socket.close()
            if ongoing is not None:
                self._end(ongoing, Stage.COMPLETED, None)

    async def _announced(self, socket: MediaSocket) -> Started | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCED_WITHIN_S):
                for _ in range(MOST_BEFORE_START):
                    if (text := await socket.receive()) is None:
                        break
                    if isinstance(message := TWILIO.read(text), Started):
                        return message
        log.warning("a media socket has not told which call it is of, and was closed")
        return None

    async def _admitted(self, stream: Started) -> Ongoing | None:
        ongoing = self._book.of_token(stream.parameters.get(TOKEN, ""))
        if ongoing is None:
            log.warning("a media socket shows no token of a call, and was closed")
            return None
        if ongoing.used or await self._book.of_carrier(stream.call_id) is not ongoing or ongoing.used:
            log.warning("a media socket shows a token that was used before, or is of another call, and was closed")
            return None
        ongoing.used = True
        return ongoing

    async def _converse(self, ongoing: Ongoing, stream: Started, socket: MediaSocket) -> None:
        call = ongoing.call
        call.answered_at = call.answered_at or self._clock()
        peer = Participant(_speaker_id(call.number), f"telephone {call.shown}")
        line = PhoneLine(socket, TWILIO, stream, peer, self._pacer, lambda digit: self._pressed(call, digit))
        try:
            guest = await self._guests.open(line, self._guest_wishes(call))
        except ParleyError as refusal:
            log.warning("a telephone call could not be conducted: %s", refusal)
            self._end(ongoing, Stage.FAILED, refusal if isinstance(refusal, CallError) else errors.of(failures.NO_SOUND))
            return
        if call.over:
            guest.hang_up()
        else:
            self._talks(ongoing, guest)
        insisting = Insisting(guest, notice.that_an_ai_speaks(call.wishes.language or self._language, self._settings.bot_name), self._bus)
        try:
            how = await asyncio.shield(guest.over)
        finally:
            insisting.stop()
            guest.hang_up()
        self._end(ongoing, Stage.COMPLETED, None, tell_carrier=how.end is not End.HUNG_UP)

    def _talks(self, ongoing: Ongoing, guest: GuestCall) -> None:
        ongoing.call.guest = guest
        self._to(ongoing.call, Stage.TALKING)
        ongoing.connected.set_result(None)
        if ongoing.guard is not None:
            ongoing.guard.cancel()

    def _guest_wishes(self, call: PhoneCall) -> GuestWishes:
        wishes, language, name = call.wishes, call.wishes.language or self._language, self._settings.bot_name
        outgoing = call.direction is Direction.OUTGOING
        return GuestWishes(
            door=Door.PHONE,
            title=f"telephone {call.shown}",
            chat_id=wishes.chat_id,
            language=wishes.language,
            opening=notice.to_the_called(language, name, wishes.opening) if outgoing else notice.to_a_caller(language, name),
            purpose=notice.purpose(wishes.purpose) if outgoing else notice.PURPOSE_OF_CALLER,
            longest_s=self._longest_s(wishes),
        )

    def _pressed(self, call: PhoneCall, digit: str) -> None:
        call.digits = (call.digits + digit)[-MOST_DIGITS:]
        if call.guest is not None:
            self._bus.publish(events.KeyPressed(chat_id=call.guest.chat_id, at_s=asyncio.get_running_loop().time(), key=digit))

    # ---- the end

    def _to(self, call: PhoneCall, stage: Stage) -> None:
        call.stage, call.since = stage, self._clock()
        log.info("telephone call %s (%s): %s", call.call_id, call.shown, stage)

    def _end(self, ongoing: Ongoing, stage: Stage, error: CallError | None, *, tell_carrier: bool = True) -> None:
        """What was told first counts. ``tell_carrier``: it does not know by itself."""
        call = ongoing.call
        if call.over:
            return
        seconds = self._clock() - call.answered_at if call.answered_at is not None else 0.0
        self._to(call, stage)
        call.error = error
        self._book.end(ongoing)
        if ongoing.guard is not None:
            ongoing.guard.cancel()
        if call.guest is not None:
            call.guest.hang_up()
        if not ongoing.connected.done():
            ongoing.connected.set_exception(error or errors.of(failures.CANCELED))
            ongoing.connected.exception()
        self._spawn(self._leave(ongoing, seconds, tell_carrier=tell_carrier))

    async def _leave(self, ongoing: Ongoing, seconds: float, *, tell_carrier: bool) -> None:
        try:
            if tell_carrier and ongoing.sid.done() and not ongoing.sid.cancelled():
                await self._hang_up_at_carrier(ongoing.sid.result())
            if ongoing.reserved is not None:
                await self._limits.settle(ongoing.reserved, seconds)
        except StorageError as error:
            log.warning("how long a telephone call lasted is not kept: %s", error)
        finally:
            if not ongoing.over.done():
                ongoing.over.set_result(None)

    async def _hang_up_at_carrier(self, sid: str) -> None:
        if self._carrier is not None:
            try:
                await self._carrier.hang_up(sid)
            except CallError as error:
                log.warning("the carrier was not told that a call is over: %s", error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _speaker_id(number: str) -> int:
    """The same for the same number, and no id of Telegram."""
    return GUEST_IDS_BELOW - 1 - int.from_bytes(hashlib.sha256(number.encode()).digest()[:7])
