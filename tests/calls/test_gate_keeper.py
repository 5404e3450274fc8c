"""Joins that come soon after others wait, and not for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from calls import errors, events
from calls.admission import Admission
from calls.autojoin import Running, Seen
from calls.desires import MemoryDesires
from calls.errors import CallError
from calls.gate_keeper import GateKeeper, silently
from calls.gates import JOIN_CALL, Gates, JoinLimits, Rate
from calls.manager import CallManager
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.test_manager import always, engines
from tests.calls.virtual_time import run_in_virtual_time

CHAT = -1001
VOICE_CHAT = Seen(Running.VOICE_CHAT, 7)


class World:
    """One gate keeper; ``there`` is what Telegram tells."""

    def __init__(self, limits: JoinLimits | None = None) -> None:
        self.clock = asyncio.get_running_loop().time
        self.gates = Gates(self.clock, limits)
        self.keeper = GateKeeper(self.gates)
        self.keeper.look_up = self._look_up
        self.there: Seen | CallError = VOICE_CHAT
        self.looks = 0
        self.told_s: list[float] = []

    async def _look_up(self, _chat_id: int) -> Seen:
        self.looks += 1
        if isinstance(self.there, CallError):
            raise self.there
        return self.there

    async def admitted_after_s(self, chat_id: int = CHAT) -> float:
        async def on_wait(wait_s: float) -> None:
            self.told_s.append(wait_s)
            await asyncio.sleep(0.5)

        began_s = self.clock()
        await self.keeper.admit(chat_id, on_wait, auto=False)
        return self.clock() - began_s


def play(work: Callable[[World], Awaitable[Any]], limits: JoinLimits | None = None) -> Any:
    async def run() -> Any:
        return await work(World(limits))

    return run_in_virtual_time(run())


def test_the_first_join_is_neither_held_up_nor_looked_up_twice() -> None:
    async def work(world: World) -> None:
        assert await world.admitted_after_s() == 0
        assert (world.looks, world.told_s) == (0, [])

    play(work)


def test_the_next_one_waits_and_tells_for_how_long() -> None:
    async def work(world: World) -> None:
        await world.admitted_after_s()
        await asyncio.sleep(3)
        assert await world.admitted_after_s() == pytest.approx(7), "telling takes nothing away"
        assert world.told_s == [pytest.approx(7)]
        assert world.looks == 1

    play(work)


@pytest.mark.parametrize(
    ("there", "key"),
    [
        (Seen(Running.NOTHING), "call_error.no_voice_chat"),
        (Seen(Running.LIVESTREAM, 7), "call_error.rtmp"),
        (Seen(Running.SCHEDULED, 7, starts_at=datetime(2030, 1, 1, tzinfo=UTC)), "call_error.scheduled"),
        (errors.of(errors.NO_ACCESS), "call_error.no_access"),
        (errors.of(errors.DEAD_SESSION), "call_error.dead_session"),
    ],
)
def test_nobody_waits_for_nothing(there: Seen | CallError, key: str) -> None:
    async def work(world: World) -> None:
        await world.admitted_after_s()
        world.there, began_s = there, world.clock()
        with pytest.raises(CallError) as refusal:
            await world.admitted_after_s()
        assert refusal.value.key == key
        assert world.clock() == began_s
        assert world.told_s == []
        world.there = VOICE_CHAT
        assert await world.admitted_after_s() == pytest.approx(10), "the refusal itself counted for nothing"

    play(work)


@pytest.mark.parametrize("there", [Seen(), errors.flood(30), errors.of(errors.NOT_REACHED)])
def test_what_is_not_certain_is_waited_for(there: Seen | CallError) -> None:
    async def work(world: World) -> None:
        await world.admitted_after_s()
        world.there = there
        assert await world.admitted_after_s() == pytest.approx(10)

    play(work)


def test_a_wait_that_is_too_long_is_refused_at_once() -> None:
    async def work(world: World) -> None:
        await world.admitted_after_s()
        with pytest.raises(CallError, match=r"Send /joincall again in 60 minutes\."):
            await world.admitted_after_s(-2)
        assert world.looks == 0

    play(work, JoinLimits(per_account=Rate(1, 3600.0)))


def test_what_telegram_wants_left_alone_is_waited_for_or_refused_at_once() -> None:
    async def work(world: World) -> None:
        world.gates.close(JOIN_CALL, 5)
        assert await world.admitted_after_s() == pytest.approx(5)
        assert world.told_s == [pytest.approx(5)]
        world.gates.close(JOIN_CALL, 90)
        with pytest.raises(CallError, match=r"Telegram asks me to wait 90 seconds\."):
            await world.admitted_after_s(-2)

    play(work)


def test_a_join_that_found_nothing_does_not_count_and_any_other_failure_does() -> None:
    async def work(world: World) -> None:
        for failure, wait_s in ((errors.NO_VOICE_CHAT, 0), (errors.REFUSED, 10)):
            await world.keeper.admit(CHAT, silently, auto=True)
            world.keeper.failed(CHAT, errors.of(failure), auto=True)
            assert world.keeper.wait_s(CHAT, auto=True) == pytest.approx(wait_s)

    play(work)


def with_one_join_before(
    work: Callable[[CallManager, MemoryDesires, Lines], Awaitable[None]], there: Seen, lines: Lines, clock: list[float]
) -> None:
    """``work`` begins right after Parley has joined and been sent away."""

    async def run() -> None:
        async def look_up(_chat_id: int) -> Seen:
            return there

        loop_clock, store = asyncio.get_running_loop().time, MemoryDesires()
        gates = Gates(loop_clock)
        async with CallManager(lines, engines(), always(None), events.EventBus(), Admission(2), store, gates=gates) as manager:
            manager.look_first_with(look_up)
            await manager.join(CHAT, "Book club", 1)
            await manager.leave(CHAT)
            clock.append(loop_clock())
            await work(manager, store, lines)
            clock.append(loop_clock())

    run_in_virtual_time(run())


def test_whoever_asks_soon_again_where_nothing_is_left_is_told_so_at_once() -> None:
    clock: list[float] = []

    async def work(manager: CallManager, store: MemoryDesires, lines: Lines) -> None:
        with pytest.raises(CallError, match=r"No active voice chat\."):
            await manager.join(CHAT, "Book club", 1)
        assert await store.wanted() == ()
        assert len(lines.made) == 1

    with_one_join_before(work, Seen(Running.NOTHING), Lines(), clock)
    assert clock[0] == clock[1]


def test_a_scheduled_voice_chat_is_told_at_once_and_stays_wanted() -> None:
    clock: list[float] = []

    async def work(manager: CallManager, store: MemoryDesires, lines: Lines) -> None:
        with pytest.raises(CallError, match=r"I will join then\."):
            await manager.join(CHAT, "Book club", 1)
        assert [call.chat_id for call in await store.wanted()] == [CHAT]

    with_one_join_before(work, Seen(Running.SCHEDULED, 7, starts_at=datetime(2030, 1, 1, tzinfo=UTC)), Lines(), clock)
    assert clock[0] == clock[1]


def test_a_join_that_waits_can_be_broken_off() -> None:
    async def work(manager: CallManager, store: MemoryDesires, lines: Lines) -> None:
        joining = asyncio.create_task(manager.join(CHAT, "Book club", 1))
        await asyncio.sleep(1)
        assert await manager.leave(CHAT)
        with pytest.raises(CallError, match=r"The join was broken off\."):
            await joining
        assert (manager.active, await store.wanted(), len(lines.made)) == ((), (), 1)

    with_one_join_before(work, VOICE_CHAT, Lines(), [])


def test_a_voice_chat_that_is_started_after_a_vain_try_is_joined_without_a_wait() -> None:
    clock: list[float] = []
    lines = Lines(ScriptedLine(), ScriptedLine(failure=errors.of(errors.NO_VOICE_CHAT)))

    async def work(manager: CallManager, store: MemoryDesires, lines: Lines) -> None:
        with pytest.raises(CallError, match=r"No active voice chat\."):
            await manager.join(-2, "Reading club", 1)
        await manager.join(-2, "Reading club", 1)
        assert manager.active == (-2,)

    with_one_join_before(work, VOICE_CHAT, lines, clock)
    assert clock[1] - clock[0] < 1
