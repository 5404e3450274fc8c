"""Appointments over days in virtual time: each occurrence is answered once, whatever clocks, restarts and people do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calls.appointment_store import MemoryAppointments
from calls.autojoin import QuietHours, quiet_hours
from calls.errors import NO_ACCESS, NO_VOICE_CHAT, of
from calls.occasions import Occasion
from calls.schedule import Limits, instant
from calls.schedule_driver import Appointments
from calls.wake_up import SWEEP_S
from errors import ParleyError
from storage.appointments import Appointment, Method, Run, RunState
from storage.errors import StorageError
from tests.calls.virtual_time import run_in_virtual_time

CHAT = -1001
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
EVERY_DAY = "mon,tue,wed,thu,fri,sat,sun"


class VirtualWakeUp:
    """By the clock of the event loop. A time of day is waited for as long as it is away when it is named, like a real timer."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._look: Callable[[], None] = lambda: None

    def start(self, look: Callable[[], None]) -> None:
        self._look = look
        self._sweep()

    def _sweep(self) -> None:
        self._look()
        self._handles["sweep"] = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def at(self, when: datetime) -> None:
        if handle := self._handles.pop("next", None):
            handle.cancel()
        delay_s = max(0.0, when.timestamp() - self._wall_clock())
        self._handles["next"] = asyncio.get_running_loop().call_later(delay_s, self._look)

    def stop(self) -> None:
        for handle in self._handles.values():
            handle.cancel()


class Store(MemoryAppointments):
    """Can be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    async def claim(self, run: Run, before: Run | None) -> bool:
        if self.fails:
            raise StorageError("The disk is full.")
        return await super().claim(run, before)


@dataclass
class World:
    """A program that comes and goes, a clock that somebody sets, people who answer or do not."""

    now: float
    zone: ZoneInfo
    store: Store = field(default_factory=Store)
    rings_s: float = 5.0
    refusals: list[ParleyError] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    quiet: QuietHours | None = None
    ringing: int = 0
    most_ringing: int = 0
    appointments: Appointments | None = None

    def __post_init__(self) -> None:
        self._began_s = asyncio.get_running_loop().time()

    def clock(self) -> float:
        return self.now + asyncio.get_running_loop().time() - self._began_s

    def set_clock(self, by_s: float) -> None:
        """Somebody sets the clock; the steady clock does not notice."""
        self.now += by_s

    @property
    def shown(self) -> str:
        """What the clock on the wall shows."""
        return f"{datetime.fromtimestamp(self.clock(), self.zone):%Y-%m-%d %H:%M}"

    async def call(self, appointment: Appointment, occasion: Occasion) -> None:
        self.rung.append(self.shown)
        self.ringing += 1
        self.most_ringing = max(self.ringing, self.most_ringing)
        try:
            await asyncio.sleep(self.rings_s)
        except asyncio.CancelledError:
            self.hung_up.append(self.shown)
            raise
        finally:
            self.ringing -= 1
        if self.refusals:
            raise self.refusals.pop(0)
        self.answered.append(f"{self.shown} {occasion.opening}".strip())

    async def tell(self, chat_id: int, key: str, /, **fields: object) -> bool:
        self.told.append(f"{key} {fields.get('when', '')}".strip())
        return True

    async def quiet_of(self, _chat_id: int) -> QuietHours | None:
        return self.quiet

    async def start(self) -> Appointments:
        ways = dict.fromkeys(Method, self.call)
        self.appointments = Appointments(
            self.store, ways, VirtualWakeUp(self.clock), tell=self.tell, quiet_of=self.quiet_of, limits=Limits(), wall_clock=self.clock
        )
        return await self.appointments.__aenter__()

    async def stop(self) -> None:
        if self.appointments is not None:
            await self.appointments.__aexit__(None, None, None)
            self.appointments = None

    async def restart(self, away_s: float) -> None:
        await self.stop()
        await asyncio.sleep(away_s)
        await self.start()

    async def until(self, shown: str) -> None:
        """Let time go by until the clock on the wall shows that."""
        at = datetime.fromisoformat(shown).replace(tzinfo=self.zone).timestamp()
        await asyncio.sleep(at - self.clock())

    async def at(self, shown: str, method: Method = Method.GROUP, **more: Any) -> Appointment:
        """An appointment for one time."""
        assert self.appointments is not None
        once_at = datetime.fromisoformat(shown).replace(tzinfo=self.zone).timestamp()
        wish = Appointment(chat_id=CHAT, method=method, once_at=once_at, time_zone=self.zone.key, **more)
        return (await self.appointments.add(wish)).appointment

    async def every(self, time_of_day: str, days: str = EVERY_DAY, method: Method = Method.GROUP, **more: Any) -> Appointment:
        assert self.appointments is not None
        wish = Appointment(chat_id=CHAT, method=method, days=days, time_of_day=time_of_day, time_zone=self.zone.key, **more)
        return (await self.appointments.add(wish)).appointment

    def states(self) -> list[str]:
        """How the occurrences came out, by when they were due."""
        return [run.state.value for run in sorted(self.store.runs.values(), key=lambda run: run.due_at)]


def lived(begin: str, zone: str, story: Callable[[World], Coroutine[Any, Any, None]]) -> World:
    """A world in which ``story`` has happened."""

    async def live() -> World:
        place = ZoneInfo(zone)
        local = datetime.fromisoformat(begin)
        world = World(instant(local.date(), local.time(), place).timestamp(), place)
        await world.start()
        try:
            await story(world)
        finally:
            await world.stop()
        return world

    world = run_in_virtual_time(live())
    assert isinstance(world, World)
    return world


Story = Callable[[World], Awaitable[None]]
CASES: list[Any] = []


def case(begin: str, answered: list[str], told: list[str] | None = None, zone: str = "UTC", name: str = "") -> Callable[[Story], Story]:
    """One case: the answered calls and what the chat was told, after a story that begins then."""

    def keep(story: Story) -> Story:
        CASES.append(pytest.param(begin, zone, story, answered, told or [], id=name or story.__name__))
        return story

    return keep


# ---- plain


@case("2026-12-09 08:00", ["2026-12-09 09:00 Hello!"])
async def one_time(world: World) -> None:
    await world.at("2026-12-09 09:00", opening="Hello!")
    await world.until("2026-12-12 00:00")


@case("2026-12-06 08:00", ["2026-12-07 09:00", "2026-12-09 09:00", "2026-12-11 09:00", "2026-12-14 09:00"])
async def mondays_wednesdays_fridays(world: World) -> None:
    """A119."""
    await world.every("09:00", "mon,wed,fri")
    await world.until("2026-12-15 00:00")


@case("2026-12-06 08:59", ["2026-12-06 09:00", "2026-12-07 09:00"])
async def a_minute_before(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-07 10:00")


@case("2026-12-06 09:00", ["2026-12-07 09:00"])
async def made_at_its_very_time_it_begins_the_next_day(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-07 10:00")


@case("2026-12-30 12:00", ["2026-12-31 23:59", "2027-01-01 23:59"])
async def over_the_end_of_a_year(world: World) -> None:
    await asyncio.sleep(12 * HOUR)
    world.rings_s = 1.0
    await world.every("23:59")
    await world.until("2027-01-02 12:00")


@case("2028-02-28 12:00", ["2028-02-29 09:00"])
async def on_a_leap_day(world: World) -> None:
    await world.every("09:00", "tue")
    await world.until("2028-03-01 12:00")


# ---- clocks set forward and back


@case("2026-10-24 20:00", ["2026-10-25 02:30", "2026-10-26 02:30"], zone="Europe/Madrid")
async def set_back_a_time_that_comes_twice(world: World) -> None:
    await world.every("02:30")
    await asyncio.sleep(40 * HOUR)


@case("2027-03-27 20:00", ["2027-03-28 03:30", "2027-03-29 02:30"], zone="Europe/Madrid")
async def set_forward_a_time_that_is_skipped(world: World) -> None:
    await world.every("02:30")
    await asyncio.sleep(40 * HOUR)


@case("2026-10-24 20:00", ["2026-10-25 09:00", "2026-10-26 09:00"], zone="Europe/Madrid")
async def the_same_time_of_day_after_clocks_were_set_back(world: World) -> None:
    await world.every("09:00")
    await asyncio.sleep(40 * HOUR)


@case("2027-03-27 20:00", ["2027-03-28 09:00", "2027-03-29 09:00"], zone="Europe/Madrid")
async def the_same_time_of_day_after_clocks_were_set_forward(world: World) -> None:
    await world.every("09:00")
    await asyncio.sleep(40 * HOUR)


@case("2026-10-24 20:00", ["2026-10-25 02:30", "2026-10-26 02:30"], zone="Europe/Madrid")
async def set_back_and_restarted_between_the_two(world: World) -> None:
    await world.every("02:30")
    await asyncio.sleep(7 * HOUR)
    await world.restart(60)
    await asyncio.sleep(33 * HOUR)


@case("2027-03-27 20:00", ["2027-03-28 03:30"], zone="Europe/Madrid")
async def set_forward_and_restarted_in_the_gap(world: World) -> None:
    await world.every("02:30")
    await asyncio.sleep(6 * HOUR + 50)
    await world.restart(20)
    await asyncio.sleep(20 * HOUR)


@case("2026-04-04 20:00", ["2026-04-05 01:45", "2026-04-06 01:45"], zone="Australia/Lord_Howe")
async def set_back_by_half_an_hour(world: World) -> None:
    await world.every("01:45")
    await asyncio.sleep(40 * HOUR)


@case("2026-04-23 20:00", ["2026-04-24 01:30", "2026-04-25 00:30"], zone="Africa/Cairo")
async def set_forward_over_midnight(world: World) -> None:
    await world.every("00:30")
    await asyncio.sleep(30 * HOUR)


# ---- restarts


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def restarted_before(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.restart(10 * MINUTE)
    await world.until("2026-12-10 09:30")


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def restarted_right_after(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(6)
    await world.restart(1)
    await world.until("2026-12-10 08:00")


@case("2026-12-09 08:00", ["2026-12-09 09:01"])
async def stopped_while_it_rang(world: World) -> None:
    """What nobody has answered is a call that failed, and is tried again."""
    await world.every("09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(2)
    await world.restart(1)
    await world.until("2026-12-10 08:00")
    assert world.rung == ["2026-12-09 09:00", "2026-12-09 09:01"]


@case("2026-12-09 08:00", ["2026-12-09 09:06"])
async def down_at_its_time_and_back_soon(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-09 08:58")
    await world.restart(8 * MINUTE)
    await world.until("2026-12-10 08:00")


@case("2026-12-09 08:00", ["2026-12-10 09:00"], ["appointment.missed 2026-12-09 09:00"])
async def down_too_long_a_daily_call_is_left_out(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-09 08:58")
    await world.restart(20 * MINUTE)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:18"])
async def down_a_call_for_one_time_waits_longer(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 08:58")
    await world.restart(20 * MINUTE)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", [], ["appointment.missed 2026-12-09 09:00"])
async def down_too_long_a_call_for_one_time_is_missed(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 08:58")
    await world.restart(45 * MINUTE)
    await world.restart(5 * MINUTE)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", ["2026-12-09 18:58"])
async def down_a_link_may_come_late(world: World) -> None:
    await world.at("2026-12-09 09:00", Method.BROWSER)
    await world.until("2026-12-09 08:58")
    await world.restart(10 * HOUR)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", ["2026-12-20 09:00"], ["appointment.missed 2026-12-19 09:00"])
async def down_for_days_it_is_told_once(world: World) -> None:
    await world.every("09:00")
    await world.stop()
    await world.until("2026-12-19 20:00")
    await world.start()
    await world.restart(60)
    await world.until("2026-12-20 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:03"])
async def restarted_between_two_tries(world: World) -> None:
    world.refusals = [of(NO_VOICE_CHAT)] * 2
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(20)
    await world.restart(100)
    await world.until("2026-12-10 12:00")
    assert len(world.rung) == 3


# ---- clocks that somebody sets


@case("2026-12-09 08:00", ["2026-12-09 09:00", "2026-12-10 09:00"])
async def the_clock_goes_back_an_hour_after_the_call(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-09 09:30")
    world.set_clock(-HOUR)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def the_clock_goes_back_a_day_after_the_call(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 09:30")
    world.set_clock(-DAY)
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:05"])
async def the_clock_jumps_over_its_time(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 08:30")
    world.set_clock(35 * MINUTE)
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:00"], ["appointment.missed 2026-12-09 09:00"])
async def a_wrong_clock_that_is_set_right_again(world: World) -> None:
    """What was taken for missed comes at its time all the same."""
    await world.at("2026-12-09 09:00")
    world.set_clock(10 * DAY)
    await asyncio.sleep(5 * MINUTE)
    world.set_clock(-10 * DAY)
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def the_clock_goes_back_just_before_its_time(world: World) -> None:
    await world.every("09:00")
    await world.until("2026-12-09 08:59")
    world.set_clock(-30 * MINUTE)
    await world.until("2026-12-10 08:00")


@case("2026-12-09 08:00", ["2026-12-09 08:02"])
async def the_clock_goes_back_between_two_tries(world: World) -> None:
    world.refusals = [of(NO_VOICE_CHAT)]
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(50)
    world.set_clock(-HOUR)
    await asyncio.sleep(10 * MINUTE)
    assert len(world.answered) == 1


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def the_clock_goes_back_while_it_rings(world: World) -> None:
    world.rings_s = 50.0
    await world.every("09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(20)
    world.set_clock(-30)
    await world.until("2026-12-10 08:00")
    assert len(world.rung) == 1


# ---- quiet hours


@case("2026-12-09 08:00", [], ["appointment.quiet 2026-12-09 23:00"])
async def quiet_hours_set_after_it_was_made(world: World) -> None:
    await world.at("2026-12-09 23:00")
    await asyncio.sleep(HOUR)
    world.quiet = quiet_hours("22:00", "08:00", "UTC")
    await world.until("2026-12-10 12:00")


@case("2026-12-09 06:00", ["2026-12-09 08:00"])
async def quiet_hours_that_end_soon_are_waited_for(world: World) -> None:
    world.quiet = quiet_hours("22:00", "08:00", "UTC")
    await world.at("2026-12-09 07:40")
    await world.until("2026-12-10 12:00")


@case("2026-12-09 06:00", ["2026-12-09 08:00"])
async def quiet_hours_and_a_restart_meanwhile(world: World) -> None:
    world.quiet = quiet_hours("22:00", "08:00", "UTC")
    await world.at("2026-12-09 07:40")
    await world.until("2026-12-09 07:50")
    await world.restart(60)
    await world.until("2026-12-10 12:00")


@case("2026-12-09 06:00", ["2026-12-09 07:50"])
async def quiet_hours_lifted_in_time(world: World) -> None:
    world.quiet = quiet_hours("22:00", "08:00", "UTC")
    await world.at("2026-12-09 07:50")
    await world.until("2026-12-09 07:00")
    world.quiet = None
    await world.until("2026-12-10 12:00")


@case("2026-12-08 12:00", ["2026-12-10 09:00"], ["appointment.quiet 2026-12-09 09:00"])
async def a_quiet_day_of_a_daily_call(world: World) -> None:
    await world.until("2026-12-09 00:00")
    await world.every("09:00")
    world.quiet = quiet_hours("06:00", "18:00", "UTC")
    await world.until("2026-12-09 20:00")
    world.quiet = None
    await world.until("2026-12-10 12:00")


@case("2026-12-09 20:00", ["2026-12-10 08:00"])
async def quiet_hours_begin_between_two_tries(world: World) -> None:
    world.quiet = quiet_hours("22:00", "08:00", "UTC")
    world.refusals = [of(NO_VOICE_CHAT)]
    await world.at("2026-12-09 21:59", Method.BROWSER)
    await world.until("2026-12-10 12:00")


# ---- tries


@case("2026-12-09 08:00", ["2026-12-09 09:03"])
async def answered_at_the_last_try(world: World) -> None:
    """A122."""
    world.rings_s = 0.0
    world.refusals = [of(NO_VOICE_CHAT)] * 3
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 12:00")
    assert world.rung == ["2026-12-09 09:00", "2026-12-09 09:01", "2026-12-09 09:02", "2026-12-09 09:03"]


@case("2026-12-09 08:00", [], ["appointment.failed 2026-12-09 09:00"])
async def never_answered(world: World) -> None:
    world.refusals = [of(NO_VOICE_CHAT)] * 9
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 12:00")
    assert len(world.rung) == 4


@case("2026-12-09 08:00", ["2026-12-10 09:00"], ["appointment.failed 2026-12-09 09:00"])
async def one_that_nobody_answered_does_not_end_the_others(world: World) -> None:
    world.refusals = [of(NO_VOICE_CHAT)] * 4
    await world.every("09:00")
    await world.until("2026-12-10 12:00")


@case("2026-12-09 08:00", [], ["appointment.failed 2026-12-09 09:00"])
async def a_failure_for_good_is_not_tried_again(world: World) -> None:
    world.refusals = [of(NO_ACCESS)] * 9
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 12:00")
    assert len(world.rung) == 1


@case("2026-12-09 08:00", [], ["appointment.failed 2026-12-09 09:00"])
async def a_way_that_is_no_longer_there_is_not_tried_again(world: World) -> None:
    await world.at("2026-12-09 09:00", Method.PHONE)
    assert world.appointments
    world.appointments._ways = {}
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:05"])
async def a_disk_that_fails_has_nobody_called_before_it_works(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 08:59")
    world.store.fails = True
    await world.until("2026-12-09 09:05")
    assert world.rung == []
    world.store.fails = False
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def a_disk_that_fails_after_the_answer_has_nobody_called_twice(world: World) -> None:
    await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(2)
    world.store.fails = True
    await world.until("2026-12-09 09:15")
    world.store.fails = False
    await world.until("2026-12-09 12:00")


# ---- several, and changes of mind


@case("2026-12-09 08:00", ["2026-12-09 09:00 one", "2026-12-09 09:00 two"])
async def two_at_the_same_time(world: World) -> None:
    await world.at("2026-12-09 09:00", opening="one")
    await world.at("2026-12-09 09:00", opening="two")
    await world.until("2026-12-09 12:00")
    assert world.most_ringing == 2


@case("2026-12-09 08:00", ["2026-12-09 09:02 one", "2026-12-09 09:03 two"])
async def one_begins_while_another_rings(world: World) -> None:
    world.rings_s = 120.0
    await world.at("2026-12-09 09:00", opening="one")
    await world.at("2026-12-09 09:01", opening="two")
    await world.until("2026-12-09 12:00")


@case("2026-12-09 08:00", [])
async def cancelled_before(world: World) -> None:
    made = await world.at("2026-12-09 09:00")
    assert world.appointments
    assert await world.appointments.cancel(made.id)
    assert not await world.appointments.cancel(made.id)
    await world.until("2026-12-09 12:00")
    assert world.rung == []


@case("2026-12-09 08:00", [])
async def cancelled_while_ringing(world: World) -> None:
    made = await world.every("09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(2)
    assert world.appointments
    assert await world.appointments.cancel(made.id)
    assert world.hung_up == ["2026-12-09 09:00"]
    await world.restart(5)
    await world.until("2026-12-11 12:00")
    assert world.states() == ["cancelled"]


@case("2026-12-09 08:00", [])
async def cancelled_between_two_tries(world: World) -> None:
    world.refusals = [of(NO_VOICE_CHAT)]
    made = await world.at("2026-12-09 09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(30)
    assert world.appointments
    assert await world.appointments.cancel(made.id)
    await world.until("2026-12-09 12:00")
    assert len(world.rung) == 1


@case("2026-12-09 08:00", ["2026-12-09 09:00"])
async def cancelled_after_the_answer_the_call_goes_on(world: World) -> None:
    made = await world.every("09:00")
    await world.until("2026-12-09 09:00")
    await asyncio.sleep(10)
    assert world.appointments
    assert await world.appointments.cancel(made.id)
    await world.until("2026-12-11 12:00")
    assert world.hung_up == []


@pytest.mark.parametrize(("begin", "zone", "story", "answered", "told"), CASES)
def test_every_occurrence_is_answered_once(
    begin: str, zone: str, story: Callable[[World], Coroutine[Any, Any, None]], answered: list[str], told: list[str]
) -> None:
    """A118, A119, A122."""
    world = lived(begin, zone, story)
    assert world.answered == answered
    assert world.told == told


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


def test_two_programs_on_one_database_call_once() -> None:
    """Whoever claims an occurrence makes the call."""

    async def story(world: World) -> None:
        await world.at("2026-12-09 09:00")
        other = replace(world, appointments=None)
        other._began_s, other.answered, other.rung = world._began_s, world.answered, world.rung
        await other.start()
        await world.until("2026-12-09 12:00")
        await other.stop()

    assert lived("2026-12-09 08:00", "UTC", story).answered == ["2026-12-09 09:00"]


def test_what_is_to_come_is_listed_the_next_first() -> None:
    async def story(world: World) -> None:
        world.rings_s = 100.0
        await world.at("2026-12-09 10:00", opening="later")
        await world.every("09:00", opening="daily")
        assert world.appointments
        assert [each.appointment.opening for each in world.appointments.listed()] == ["daily", "later"]
        assert world.appointments.listed(-5) == []
        await world.until("2026-12-09 09:01")
        (ringing, _) = world.appointments.listed(CHAT)
        assert ringing.state is RunState.RINGING
        await world.until("2026-12-09 12:00")
        (daily,) = world.appointments.listed()
        assert daily.next_at == datetime(2026, 12, 10, 9, tzinfo=UTC)

    lived("2026-12-09 08:00", "UTC", story)


def test_what_has_passed_or_cannot_be_done_is_refused() -> None:
    async def story(world: World) -> None:
        with pytest.raises(ParleyError, match="has passed") as passed:
            await world.at("2026-12-09 07:00")
        assert passed.value.key == "appointment.past"
        assert world.appointments
        world.appointments._ways = {}
        with pytest.raises(ParleyError, match="no calls by phone"):
            await world.at("2026-12-09 09:00", Method.PHONE)

    lived("2026-12-09 08:00", "UTC", story)
