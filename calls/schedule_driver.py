"""Makes the calls of appointments when they fall due: each occurrence is claimed in the database before anybody is called."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from calls.appointment_store import AppointmentStore
from calls.autojoin import QuietHours
from calls.errors import UNKNOWN, CallError, Failure, Remedy, of
from calls.occasions import Occasion
from calls.schedule import (
    Act,
    Limits,
    Occurrence,
    Rule,
    after_failure,
    decide,
    late_s,
    next_occurrence,
    passed_by,
    rule_of,
)
from calls.wake_up import SWEEP_S, WakeUp
from errors import ParleyError
from storage.appointments import OPEN, Appointment, Method, Run, RunState
from storage.errors import StorageError

log = logging.getLogger(__name__)

CLOCK_JUMP_S: Final = 2.0
"""The time of day has gone on by so much more or less than the steady clock: somebody set it, or the machine slept."""
FOR_GOOD: Final = frozenset({Remedy.DISABLE_CHAT, Remedy.STOP_ACCOUNT})
LEFT_RINGING: Final = Failure("I was stopped in the middle of the call.", "", Remedy.RETRY, "appointment.left_ringing")
"""What another life of the program left ringing counts as a call that failed."""


class Way(Protocol):
    """How somebody is called."""

    async def __call__(self, appointment: Appointment, occasion: Occasion) -> None:
        """Returns when the call was answered; cancelling stops calling.

        :raises errors.ParleyError: it was not.
        """


class Tell(Protocol):
    """Tells a chat something."""

    async def __call__(self, chat_id: int, key: str, /, **fields: object) -> bool:
        """Write the text of ``key``; whether it could be written. A field may be an error that the text mentions."""


QuietOf = Callable[[int], Awaitable[QuietHours | None]]


@dataclass(frozen=True, slots=True)
class Listed:
    """An appointment that is still to come. ``state`` is that of the occurrence under way, if one is."""

    appointment: Appointment
    next_at: datetime
    state: RunState | None = None


@dataclass(slots=True, eq=False)
class _Planned:
    """What is known of an appointment.

    ``run`` is the occurrence under way, ``due`` the next one, ``passed`` one that was missed unnoticed.
    """

    appointment: Appointment
    rule: Rule
    handled: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    run: Run | None = None
    due: Occurrence | None = None
    passed: Occurrence | None = None
    task: asyncio.Task[None] | None = None
    cancelled: bool = False
    rests_until_s: float = 0.0


class Appointments:
    """An async context manager: calls are made inside it.

    ``quiet_of`` gives the quiet hours of a chat, ``wall_clock`` seconds since the epoch.
    """

    def __init__(
        self,
        store: AppointmentStore,
        ways: Mapping[Method, Way],
        wake_up: WakeUp,
        *,
        tell: Tell,
        quiet_of: QuietOf,
        limits: Limits | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits if limits is not None else Limits()
        self._store = store
        self._ways = ways
        self._wake_up = wake_up
        self._tell = tell
        self._quiet_of = quiet_of
        self._wall_clock = wall_clock
        self._clock = asyncio.get_running_loop().time
        self._ahead_s = wall_clock() - self._clock()
        self._planned: dict[int, _Planned] = {}
        self._is_loaded = False
        self._something = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Appointments:
        await self._load()
        self._runner = asyncio.create_task(self._run(), name="appointments")
        self._wake_up.start(self._something.set)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._wake_up.stop()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})

    # ---- what people ask

    async def add(self, appointment: Appointment) -> Listed:
        """Make an appointment; its ``id`` and ``created_at`` are set here.

        :raises errors.ParleyError: this method is not to be had here, its time has passed, there are too many, or it could not be kept.
        """
        self._way(appointment.method)
        now = self._wall_clock()
        if next_occurrence(rule_of(appointment), _time(now)) is None:
            raise ParleyError("That time has passed.", "Name one that is to come.", key="appointment.past")
        kept = await self._store.add(replace(appointment, created_at=now))
        planned = self._planned[kept.id] = _Planned(kept, rule_of(kept))
        self._replan(planned)
        self._something.set()
        return self._listed(planned)

    async def cancel(self, appointment_id: int) -> bool:
        """No more calls; one that nobody has answered yet is broken off, one that was goes on. False: there is no such appointment.

        :raises storage.errors.StorageError: it could not be kept, so it stays.
        """
        if (planned := self._planned.get(appointment_id)) is None:
            return False
        await self._store.end(appointment_id, self._wall_clock())
        self._planned.pop(appointment_id, None)
        planned.cancelled = True
        if planned.task is not None:
            planned.task.cancel()
            await asyncio.wait({planned.task})
        return True

    def listed(self, chat_id: int | None = None) -> Sequence[Listed]:
        """Those that are still to come, of a chat or of all, the next one first."""
        found = [self._listed(each) for each in self._planned.values() if each.run or each.due]
        return sorted((each for each in found if chat_id in (None, each.appointment.chat_id)), key=lambda each: each.next_at)

    def find(self, appointment_id: int) -> Appointment | None:
        """The appointment of this id, if it has not ended."""
        planned = self._planned.get(appointment_id)
        return planned.appointment if planned else None

    def _way(self, method: Method) -> Way:
        if method in self._ways:
            return self._ways[method]
        raise CallError(
            f"There are no calls by {method} here.", "See docs/appointments.md for what each needs.", Remedy.DISABLE_CHAT,
            key="appointment.no_method", fields={"method": method.value},
        )  # fmt: skip

    def _listed(self, planned: _Planned) -> Listed:
        if (run := planned.run) is not None:
            return Listed(planned.appointment, _time(run.next_try_at or run.due_at), run.state)
        assert planned.due is not None
        return Listed(planned.appointment, planned.due.at)

    # ---- what is due

    async def _load(self) -> None:
        try:
            kept = await self._store.load()
        except StorageError as error:
            log.error("what appointments there are is not known: %s", error)
            return
        self._is_loaded = True
        for appointment, runs in kept.items():
            planned = self._planned.setdefault(appointment.id, _Planned(appointment, rule_of(appointment)))
            for run in runs:
                (planned.missed if run.state is RunState.MISSED else planned.handled).add(run.occurrence)
                if run.state in OPEN:
                    planned.run = run
            self._replan(planned)

    def _replan(self, planned: _Planned) -> None:
        """Look anew which occurrence is the next, as when the time of day has changed."""
        appointment, now = planned.appointment, self._wall_clock()
        made, earliest = _time(appointment.created_at), _time(now - late_s(appointment, self.limits))
        planned.due = next_occurrence(planned.rule, max(made, earliest), planned.handled)
        planned.passed = passed_by(planned.rule, made, earliest, planned.handled | planned.missed)

    def _due_at(self, planned: _Planned) -> float:
        """When something is to be done, in seconds since the epoch."""
        if planned.passed is not None:
            return 0.0
        if (run := planned.run) is not None:
            return run.next_try_at or 0.0
        return planned.due.at.timestamp() if planned.due else float("inf")

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._something.wait()
                self._something.clear()
                if not self._is_loaded:
                    await self._load()
                self._heed_the_clock()
                self._begin_what_is_due(group)

    def _begin_what_is_due(self, group: asyncio.TaskGroup) -> None:
        now, now_s = self._wall_clock(), self._clock()
        idle = [each for each in self._planned.values() if each.task is None and each.rests_until_s <= now_s]
        for planned in [each for each in idle if self._due_at(each) <= now]:
            planned.task = group.create_task(self._step(planned), name=f"appointment {planned.appointment.id}")
        coming = min((self._due_at(each) for each in idle if each.task is None), default=float("inf"))
        if coming < now + 2 * SWEEP_S:
            self._wake_up.at(_time(coming))

    def _heed_the_clock(self) -> None:
        ahead_s = self._wall_clock() - self._clock()
        if abs(ahead_s - self._ahead_s) < CLOCK_JUMP_S:
            return
        log.warning("the time of day has jumped by %.0f s", ahead_s - self._ahead_s)
        self._ahead_s = ahead_s
        for planned in [each for each in self._planned.values() if each.task is None]:
            self._replan(planned)
            if (run := planned.run) is not None and run.next_try_at is not None:
                planned.run = replace(run, next_try_at=min(run.next_try_at, self._wall_clock() + self.limits.retry_delay_s))

    # ---- what is done

    async def _step(self, planned: _Planned) -> None:
        """One thing with the occurrence that is due: call, wait, or leave it out."""
        try:
            if planned.passed is not None:
                await self._leave_out(planned, _new_run(planned, planned.passed), RunState.MISSED)
            else:
                await self._take(planned)
        except StorageError as error:
            log.error("an appointment is not kept, so nobody is called: %s", error, extra={"chat_id": planned.appointment.chat_id})
            planned.rests_until_s = self._clock() + SWEEP_S
        except Exception:
            log.exception("an appointment failed inside", extra={"chat_id": planned.appointment.chat_id})
            planned.rests_until_s = self._clock() + SWEEP_S
        finally:
            planned.task = None
            self._something.set()
        self._replan(planned)

    async def _take(self, planned: _Planned) -> None:
        appointment, now = planned.appointment, self._wall_clock()
        run = planned.run
        if run is None:
            assert planned.due is not None
            run = _new_run(planned, planned.due)
        if run.state is RunState.RINGING:
            await self._failed(planned, of(LEFT_RINGING))
            return
        late = timedelta(seconds=late_s(appointment, self.limits, run.attempts))
        verdict = decide(_time(run.due_at), _time(now), late, await self._quiet_of(appointment.chat_id))
        match verdict.act:
            case Act.WAIT if verdict.until is not None:
                await self._go_on(planned, replace(run, state=RunState.WAITING, next_try_at=verdict.until.timestamp(), changed_at=now))
            case Act.RING:
                if await self._go_on(
                    planned, replace(run, state=RunState.RINGING, attempts=run.attempts + 1, next_try_at=None, changed_at=now)
                ):
                    await self._ring(planned)
            case _:
                await self._leave_out(planned, run, verdict.state)

    async def _ring(self, planned: _Planned) -> None:
        appointment = planned.appointment
        log.info("appointment %d: calling by %s", appointment.id, appointment.method, extra={"chat_id": appointment.chat_id})
        try:
            await self._way(appointment.method)(appointment, Occasion(appointment.opening, appointment.purpose, appointment.longest_s))
        except ParleyError as error:
            await self._failed(planned, error)
        except asyncio.CancelledError:
            if planned.cancelled:
                await self._finish(planned, RunState.CANCELLED)
            raise
        except Exception:
            log.exception("the call of an appointment failed inside", extra={"chat_id": appointment.chat_id})
            await self._failed(planned, of(UNKNOWN))
        else:
            await self._finish(planned, RunState.DONE)

    async def _failed(self, planned: _Planned, error: ParleyError) -> None:
        appointment, run = planned.appointment, planned.run
        assert run is not None
        log.warning("appointment %d: nobody answered: %s", appointment.id, error, extra={"chat_id": appointment.chat_id})
        for_good = isinstance(error, CallError) and error.remedy in FOR_GOOD
        new = after_failure(run, self._wall_clock(), self.limits, for_good=for_good)
        if await self._go_on(planned, new) and new.state is RunState.FAILED:
            await self._tell_of(planned, new, what=error)

    async def _finish(self, planned: _Planned, state: RunState) -> None:
        assert planned.run is not None
        await self._go_on(planned, replace(planned.run, state=state, next_try_at=None, changed_at=self._wall_clock()))

    async def _leave_out(self, planned: _Planned, run: Run, state: RunState) -> None:
        log.warning("appointment %d is left out: %s", planned.appointment.id, state, extra={"chat_id": planned.appointment.chat_id})
        left_out = replace(run, state=state, next_try_at=None, changed_at=self._wall_clock())
        if await self._go_on(planned, left_out):
            await self._tell_of(planned, left_out)

    async def _go_on(self, planned: _Planned, run: Run) -> bool:
        """Keep how the occurrence goes on; false, and nothing is to be done, if it went on otherwise elsewhere."""
        before = planned.run if planned.run and planned.run.occurrence == run.occurrence else None
        try:
            claimed = await self._store.claim(run, before)
        except StorageError as error:
            if run.state is RunState.RINGING:
                raise
            log.error("what became of an appointment is not kept: %s", error, extra={"chat_id": planned.appointment.chat_id})
            claimed = True
        (planned.missed if run.state is RunState.MISSED else planned.handled).add(run.occurrence)
        if before is not None or run.state in OPEN:
            planned.run = run if claimed and run.state in OPEN else None
        if claimed and run.state not in (*OPEN, RunState.MISSED) and planned.appointment.once_at is not None:
            self._planned.pop(planned.appointment.id, None)
            await self._store.end(planned.appointment.id, self._wall_clock())
        return claimed

    async def _tell_of(self, planned: _Planned, run: Run, **fields: object) -> None:
        appointment = planned.appointment
        due = _time(run.due_at).astimezone(ZoneInfo(appointment.time_zone))
        await self._tell(appointment.chat_id, f"appointment.{run.state}", id=appointment.id, when=f"{due:%Y-%m-%d %H:%M}", **fields)


def _new_run(planned: _Planned, occurrence: Occurrence) -> Run:
    return Run(planned.appointment.id, occurrence.name, occurrence.at.timestamp(), RunState.WAITING)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
