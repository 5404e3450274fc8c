"""Phoning people and being phoned: one private call at a time, beside the calls of groups."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Protocol

from telethon.errors import RPCError
from telethon.tl import types

from calls import ending, errors, events, phone_errors
from calls.call import Call
from calls.drafting import Engines
from calls.ending import End, Ending
from calls.errors import CallError
from calls.history import History
from calls.lines.line import Line, Participant
from calls.manners import Manners
from calls.occasions import Occasion
from calls.private_call import Direction, PrivateCall, Stage
from calls.screening import Screening
from calls.state import CallState
from calls.telegram.phone import PhoneCall
from calls.turns.addressing import Mode
from errors import LineError

log = logging.getLogger(__name__)

MISSED: Final = errors.Failure("The caller has given up.", "", errors.Remedy.NONE, "phone.missed")
MAY_NOT_ANSWER: Final = errors.Failure(
    "📵 I have seen your call, but I do not answer calls of everybody.", "Write to me instead.", errors.Remedy.NONE, "phone.may_not_answer"
)
BUSY_NOW: Final = errors.Failure("📵 I am on the phone just now.", "Please call again later.", errors.Remedy.NONE, "phone.busy_now")
NO_CONFERENCES: Final = errors.Failure(
    "📵 I cannot take part in encrypted calls of several people.", "Call me alone, or invite me to a voice chat.", errors.Remedy.NONE,
    "phone.conference",
)  # fmt: skip

ANSWER_WITHIN_S: Final = 60.0
"""A call that a program is to answer rings for so long."""
LEFT_ALONE_S: Final = 120.0
"""Nothing rings for longer."""
TELL_AGAIN_S: Final = 600.0
"""Somebody who phones again and again is told once why that leads nowhere."""
MOST_TOLD: Final = 500
FAREWELL_WITHIN_S: Final = 4.5
LEAVING_WITHIN_S: Final = 3.0


class PrivateLine(Line, Protocol):
    """A line of a private call."""

    @property
    def emojis(self) -> str:
        """What both ends see if nobody sits between them; known once the line is open."""


NewLine = Callable[[Participant, PhoneCall | None], PrivateLine]
"""Makes the line of a call with somebody: of one that rings, or of one to be placed."""
FindPerson = Callable[[int | str], Awaitable[Participant]]
"""Who is meant by an id or ``@name``; raises :class:`calls.errors.CallError` if that is nobody to be phoned."""


@dataclass(slots=True, eq=False)
class _Ongoing:
    """The call there is. ``wish``: somebody has decided whether a call that rings is answered; ``connected`` is done when it is."""

    person: Participant
    direction: Direction
    stage: Stage
    since: float
    wish: asyncio.Future[bool]
    connected: asyncio.Future[None]
    emojis: str = ""
    call: Call | None = None
    phoned: PhoneCall | None = None
    task: asyncio.Task[None] | None = None
    occasion: Occasion | None = None


class PrivateCalls:
    """An async context manager that hangs up at its end. Attach :meth:`incoming` to a :class:`calls.telegram.phone.Phone`.

    ``room`` says why there is no room for one more call on this machine, if so. ``attended`` tells whether a program may
    want to answer somebody's call, given their id.
    """

    def __init__(
        self,
        new_line: NewLine,
        find_person: FindPerson,
        engines: Engines,
        manners_for: Callable[[int], Awaitable[Manners]],
        bus: events.EventBus,
        screening: Screening,
        *,
        longest_s: float = 3600.0,
        room: Callable[[], CallError | None] = lambda: None,
        history_of: Callable[[int], History | None] = lambda _chat_id: None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.attended: Callable[[int], bool] = lambda _user_id: False
        self._new_line = new_line
        self._find_person = find_person
        self._engines = engines
        self._manners_for = manners_for
        self._bus = bus
        self._screening = screening
        self._longest_s = longest_s
        self._room = room
        self._history_of = history_of
        self._wall_clock = wall_clock
        self._clock = asyncio.get_running_loop().time
        self._ongoing: _Ongoing | None = None
        self._told: OrderedDict[int, float] = OrderedDict()
        self._refusals: set[asyncio.Task[None]] = set()
        self._stops = False

    async def __aenter__(self) -> PrivateCalls:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stops = True
        for refusal in self._refusals:
            refusal.cancel()
        if (ongoing := self._ongoing) is not None and ongoing.task is not None:
            ongoing.task.cancel()
            await asyncio.wait({ongoing.task})

    # ---- what people and programs ask

    async def start(self, user: int | str, occasion: Occasion | None = None) -> int:
        """Phone somebody, named by id or ``@name``; returns their id when they have answered. Cancelling hangs up.

        ``occasion`` is why they are phoned.

        :raises errors.LineError: they are busy, decline, do not answer, cannot be called, or Parley is on the phone already.
        """
        self._check_free()
        person = await self._find_person(user)
        self._check_free()
        ongoing = self._begin(person, Direction.OUTGOING, Stage.CALLING)
        ongoing.occasion = occasion
        ongoing.task = asyncio.create_task(self._converse(ongoing, None), name=f"private call {person.id}")
        return await self._until_connected(ongoing)

    def _check_free(self) -> None:
        if self._ongoing is not None:
            raise errors.of(phone_errors.ON_THE_PHONE)
        if (refusal := errors.of(phone_errors.BROKEN_OFF) if self._stops else self._room()) is not None:
            raise refusal

    async def accept(self, user_id: int | None = None) -> int:
        """Answer somebody who phones; returns their id when the call is connected.

        :raises errors.LineError: nobody (or somebody else) phones, or no connection came about.
        """
        ongoing = self._ringing(user_id)
        ongoing.wish.set_result(True)
        return await self._until_connected(ongoing)

    async def reject(self, user_id: int | None = None) -> int:
        """Decline somebody who phones; returns their id.

        :raises errors.LineError: nobody (or somebody else) phones.
        """
        ongoing = self._ringing(user_id)
        ongoing.wish.set_result(False)
        assert ongoing.task is not None
        await asyncio.wait({ongoing.task})
        return ongoing.person.id

    async def hangup(self, user_id: int | None = None) -> int:
        """End the call, stop phoning, or decline; returns whose it was when it is over.

        :raises errors.LineError: there is no such call.
        """
        ongoing = self._found(user_id)
        if ongoing.call is not None:
            ongoing.call.end(ending.SENT_AWAY)
        elif not ongoing.wish.done():
            ongoing.wish.set_result(False)
        assert ongoing.task is not None
        await asyncio.wait({ongoing.task})
        return ongoing.person.id

    async def speak(self, user_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Say something in the call with somebody; whether any of it was heard."""
        call = self.call(user_id)
        return await call.speak(text, language, first=first) if call else False

    def _found(self, user_id: int | None) -> _Ongoing:
        if self._ongoing is None or user_id not in (None, self._ongoing.person.id):
            raise errors.of(phone_errors.NO_CALL)
        return self._ongoing

    def _ringing(self, user_id: int | None) -> _Ongoing:
        ongoing = self._found(user_id)
        if ongoing.stage is not Stage.RINGING or ongoing.wish.done():
            raise errors.of(phone_errors.NO_CALL)
        return ongoing

    async def _until_connected(self, ongoing: _Ongoing) -> int:
        try:
            await asyncio.shield(ongoing.connected)
        except asyncio.CancelledError:
            if ongoing.call is not None:
                ongoing.call.end(ending.SENT_AWAY)
            raise
        return ongoing.person.id

    # ---- being phoned

    def incoming(self, phoned: PhoneCall) -> None:
        """Somebody phones."""
        person = Participant(phoned.user_id, phoned.name)
        if self._ongoing is None and not self._stops:
            ongoing = self._begin(person, Direction.INCOMING, Stage.RINGING)
            ongoing.phoned = phoned
            ongoing.task = asyncio.create_task(self._be_phoned(ongoing, phoned), name=f"private call {person.id}")
        elif self._screening.on:
            refusal = asyncio.create_task(self._decline(phoned, BUSY_NOW))
            self._refusals.add(refusal)
            refusal.add_done_callback(self._refusals.discard)

    def invited(self, user_id: int) -> None:
        """Somebody's invitation to an encrypted call of several people was declined."""
        self._tell_once(user_id, NO_CONFERENCES)

    async def _be_phoned(self, ongoing: _Ongoing, phoned: PhoneCall) -> None:
        self._publish(events.CallIncoming, ongoing, name=ongoing.person.name)
        try:
            answers = await self._decided(ongoing, phoned)
            if answers and (refusal := self._room()) is not None:
                await self._decline(phoned, None)
                raise refusal
        except CallError as error:
            self._failed(ongoing, error)
            self._over(ongoing, ending.failed(error))
            return
        except BaseException:
            self._over(ongoing, ending.SENT_AWAY)
            raise
        if answers:
            await self._converse(ongoing, phoned)
        else:
            self._failed(ongoing, errors.of(phone_errors.DECLINED))
            self._over(ongoing, ending.SENT_AWAY)

    async def _decided(self, ongoing: _Ongoing, phoned: PhoneCall) -> bool:
        """Whether the call is answered; if not, it has been declined, or is left to ring elsewhere.

        :raises calls.errors.CallError: the caller has given up.
        """
        allowed = self._screening.allows(phoned.user_id, is_contact=phoned.is_contact)
        attended = self.attended(phoned.user_id)
        if self._screening.on or attended:
            with suppress(RPCError, ConnectionError):
                await phoned.received()
        await asyncio.wait({ongoing.wish, phoned.over}, timeout=self._patience_s(allowed, attended), return_when=asyncio.FIRST_COMPLETED)
        if phoned.over.done():
            raise errors.of(MISSED)
        if ongoing.wish.done() and not ongoing.wish.result():
            await self._decline(phoned, None)
            return False
        if not ongoing.wish.done() and not allowed and self._screening.on:
            await self._decline(phoned, MAY_NOT_ANSWER)
        return ongoing.wish.done() or allowed

    def _patience_s(self, allowed: bool, attended: bool) -> float:
        if not self._screening.on:
            return LEFT_ALONE_S
        return ANSWER_WITHIN_S if attended and not allowed else self._screening.delay_s

    async def _decline(self, phoned: PhoneCall, why: errors.Failure | None) -> None:
        await phoned.discard(types.PhoneCallDiscardReasonBusy())
        if why is not None:
            self._tell_once(phoned.user_id, why)

    def _tell_once(self, user_id: int, why: errors.Failure) -> None:
        now_s = self._clock()
        if now_s - self._told.get(user_id, float("-inf")) < TELL_AGAIN_S:
            return
        self._told[user_id] = now_s
        if len(self._told) > MOST_TOLD:
            self._told.popitem(last=False)
        self._bus.publish(events.CallNotice(chat_id=user_id, at_s=now_s, text=f"{why.what} {why.next_step}", key=why.key))

    # ---- a call

    async def _converse(self, ongoing: _Ongoing, phoned: PhoneCall | None) -> None:
        """The whole of a call that is answered or placed."""
        how = ending.SENT_AWAY
        try:
            line = self._new_line(ongoing.person, phoned)
            call = ongoing.call = await self._new_call(ongoing, line)
            how = await self._run(ongoing, call, line)
        except Exception as error:
            log.error("a private call failed inside", exc_info=error)
            how = ending.failed(errors.of(phone_errors.UNKNOWN))
            self._failed(ongoing, errors.of(phone_errors.UNKNOWN))
        finally:
            self._over(ongoing, how)

    async def _new_call(self, ongoing: _Ongoing, line: PrivateLine) -> Call:
        person = ongoing.person
        manners = await self._manners_for(person.id)
        manners = replace(manners, alone_s=None, longest_call_s=self._longest_s, addressing=replace(manners.addressing, mode=Mode.ALWAYS))
        if ongoing.occasion is not None:
            manners = ongoing.occasion.applied(manners)
        history = self._history_of(person.id)
        return Call(person.id, person.name, lambda: line, self._engines, manners, self._bus, history=history, too_long=ending.CALL_AGAIN)

    async def _run(self, ongoing: _Ongoing, call: Call, line: PrivateLine) -> Ending:
        running = asyncio.create_task(call.run(), name=f"call {ongoing.person.id}")
        try:
            await asyncio.shield(call.opened)
            self._connected(ongoing, line.emojis)
            await asyncio.shield(running)
        except LineError as error:
            await asyncio.wait({running})
            sent_away = call.ending.end is End.SENT_AWAY
            self._failed(ongoing, errors.of(phone_errors.BROKEN_OFF) if sent_away else error)
        finally:
            call.end(ending.SENT_AWAY)
            await asyncio.wait({running})
        return call.ending

    def _begin(self, person: Participant, direction: Direction, stage: Stage) -> _Ongoing:
        loop = asyncio.get_running_loop()
        self._ongoing = _Ongoing(person, direction, stage, self._wall_clock(), loop.create_future(), loop.create_future())
        return self._ongoing

    def _connected(self, ongoing: _Ongoing, emojis: str) -> None:
        ongoing.stage, ongoing.since, ongoing.emojis = Stage.CONNECTED, self._wall_clock(), emojis
        incoming = ongoing.direction is Direction.INCOMING
        self._publish(events.CallConnected, ongoing, name=ongoing.person.name, incoming=incoming, emojis=emojis)
        if not ongoing.connected.done():
            ongoing.connected.set_result(None)

    @staticmethod
    def _failed(ongoing: _Ongoing, error: Exception) -> None:
        if not ongoing.connected.done():
            ongoing.connected.set_exception(error)
            ongoing.connected.exception()

    def _over(self, ongoing: _Ongoing, how: Ending) -> None:
        if self._ongoing is ongoing:
            self._ongoing = None
        self._failed(ongoing, errors.of(phone_errors.BROKEN_OFF))
        self._publish(events.CallEnded, ongoing, name=ongoing.person.name, reason=how.reason, key=how.key, fields=how.fields)

    def _publish(self, event: type[events.CallEvent], ongoing: _Ongoing, **fields: Any) -> None:
        self._bus.publish(event(chat_id=ongoing.person.id, at_s=self._clock(), **fields))

    async def drain(self, within_s: float = FAREWELL_WITHIN_S) -> None:
        """Phone nobody any more, say good-bye, and hang up."""
        self._stops = True
        ongoing = self._ongoing
        if ongoing is None or ongoing.task is None:
            return
        if ongoing.call is not None:
            await ongoing.call.say_good_bye(within_s)
            ongoing.call.end(ending.SENT_AWAY)
            await asyncio.wait({ongoing.task}, timeout=LEAVING_WITHIN_S)

    # ---- what is known

    @property
    def calls(self) -> Sequence[PrivateCall]:
        """Those that have not ended."""
        if (ongoing := self._ongoing) is None:
            return ()
        person = ongoing.person
        return (PrivateCall(person.id, person.name, ongoing.direction, ongoing.stage, ongoing.since, ongoing.emojis),)

    def call(self, user_id: int) -> Call | None:
        """The call with somebody, if Parley is in one."""
        ongoing = self._ongoing
        return ongoing.call if ongoing and ongoing.person.id == user_id and ongoing.stage is Stage.CONNECTED else None

    def state(self, user_id: int) -> CallState:
        """What is known of the call with somebody."""
        call = self.call(user_id)
        return call.state if call else CallState()
