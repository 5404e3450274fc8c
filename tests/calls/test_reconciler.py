"""What is wanted is made true: after errors, after a restart, and not against somebody's wish."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from calls import backoff, errors, events
from calls.desires import MemoryDesires, WantedCall
from calls.errors import CallError, Remedy
from calls.lines import AttendanceKnown, LineClosed, LineLost, LineRemoved, MutedByAdmin, ParticipantJoined, ParticipantLeft
from calls.manager import CallManager
from calls.state import PublicState
from errors import LineError
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.stage import ANN
from tests.calls.test_manager import CHAT, with_manager


def failing(error: LineError) -> ScriptedLine:
    return ScriptedLine(failure=error)


def wanted_before() -> MemoryDesires:
    store = MemoryDesires()
    store.calls[CHAT] = WantedCall(CHAT, "Book club", 1, False, 0.0)
    return store


def notices(happened: list[events.CallEvent]) -> list[str]:
    return [event.key for event in happened if isinstance(event, events.CallNotice)]


@pytest.mark.parametrize(("failures", "shortest", "longest"), [(0, 0, 0), (1, 1.6, 2.4), (2, 3.2, 4.8), (5, 25.6, 38.4), (9, 48, 72)])
def test_waits_double_up_to_a_minute(failures: int, shortest: float, longest: float) -> None:
    assert backoff.wait_s(failures, 0.0) == pytest.approx(shortest)
    assert backoff.wait_s(failures, 1.0) == pytest.approx(longest)


def test_after_a_restart_what_was_wanted_is_joined_again() -> None:
    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(2)
        assert manager.state(CHAT).state is PublicState.JOINED

    store = wanted_before()
    with_manager(work, Lines(), store=store)
    assert CHAT in store.calls, "the end of the program is not the end of the wish"


def test_five_failures_in_a_row_make_a_pause_that_is_told() -> None:
    lines = Lines(make=lambda: failing(errors.of(errors.NOT_REACHED)))

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(90)
        assert (len(lines.made), notices(happened)) == (5, ["notice.paused"])
        outlook = manager.outlook(CHAT)
        assert outlook is not None
        assert outlook.paused
        await asyncio.sleep(backoff.PAUSE_S)
        assert len(lines.made) > 5

    with_manager(work, lines, store=wanted_before())


@pytest.mark.parametrize("failure", [errors.NO_VOICE_CHAT, errors.REFUSED])
def test_what_a_person_has_to_mend_is_told_and_not_tried_again(failure: errors.Failure) -> None:
    lines, store = Lines(make=lambda: failing(errors.of(failure))), wanted_before()

    async def work(_manager: CallManager, happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(3600)
        assert (len(lines.made), notices(happened), store.calls) == (1, [failure.key], {})

    with_manager(work, lines, store=store)


def test_a_flood_wait_is_waited_for() -> None:
    lines = Lines(failing(errors.flood(300)))

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(295)
        assert len(lines.made) == 1
        await asyncio.sleep(15)
        assert manager.state(CHAT).state is PublicState.JOINED

    with_manager(work, lines, store=wanted_before())


def test_a_chat_without_access_is_left_alone_until_somebody_asks() -> None:
    lines, store = Lines(failing(errors.of(errors.NO_ACCESS))), wanted_before()

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(3600)
        assert (len(lines.made), notices(happened)) == (1, [])
        assert store.disabled[CHAT].startswith("My account has no access")
        await manager.join(CHAT, "", 1)
        assert store.disabled[CHAT] == ""

    with_manager(work, lines, store=store)


def test_a_stopped_account_joins_nothing_more_and_says_so_once() -> None:
    lines = Lines(failing(errors.of(errors.DEAD_SESSION)))

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await asyncio.sleep(3600)
        assert len(lines.made) == 1
        assert [type(event).__name__ for event in happened].count("AccountTrouble") == 1
        with pytest.raises(CallError, match="no longer valid"):
            await manager.join(-5, "", 1)

    with_manager(work, lines, store=wanted_before())


def test_a_scheduled_voice_chat_is_joined_when_it_begins() -> None:
    when = datetime.now(UTC).timestamp() + 600
    lines, store = Lines(failing(errors.scheduled(datetime.fromtimestamp(when, UTC)))), MemoryDesires()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        with pytest.raises(CallError, match="I will join then") as told:
            await manager.join(CHAT, "", 1)
        assert told.value.remedy is Remedy.AT_ITS_TIME
        await asyncio.sleep(590)
        assert len(lines.made) == 1
        await asyncio.sleep(15)
        assert manager.state(CHAT).state is PublicState.JOINED

    with_manager(work, lines, store=store)


def test_a_failed_join_that_was_asked_for_is_not_wanted_any_more() -> None:
    lines, store = Lines(failing(errors.of(errors.NOT_REACHED))), MemoryDesires()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        with pytest.raises(CallError):
            await manager.join(CHAT, "", 1)
        await asyncio.sleep(3600)
        assert (len(lines.made), store.calls) == (1, {})
        assert CHAT in store.errors

    with_manager(work, lines, store=store)


def test_leaving_breaks_off_a_join() -> None:
    lines, store = Lines(ScriptedLine(opens_after_s=30)), MemoryDesires()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        joining = asyncio.create_task(manager.join(CHAT, "", 1))
        await asyncio.sleep(1)
        assert await manager.leave(CHAT)
        with pytest.raises(LineError, match="broken off"):
            await joining
        assert not manager.active
        assert not store.calls

    with_manager(work, lines, store=store)
    assert lines.made[0].closed == 1


def test_two_who_ask_at_once_get_one_call() -> None:
    lines = Lines()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await asyncio.gather(manager.join(CHAT, "", 1), manager.join(CHAT, "", 2))

    with_manager(work, lines)
    assert len(lines.made) == 1


@pytest.mark.parametrize("event", [LineClosed(), LineRemoved()])
def test_a_call_that_is_over_is_wanted_no_longer(event: LineClosed | LineRemoved) -> None:
    lines, store = Lines(), MemoryDesires()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(event)
        await asyncio.sleep(100)
        assert (store.calls, CHAT in store.disabled and bool(store.disabled[CHAT])) == ({}, isinstance(event, LineRemoved))

    with_manager(work, lines, store=store)


def test_a_call_that_could_not_be_kept_is_tried_again_after_a_pause() -> None:
    lines = Lines(ScriptedLine(), *(failing(errors.of(errors.NOT_REACHED)) for _ in range(5)))

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(LineLost("no sound"))
        await asyncio.sleep(60)
        assert notices(happened) == ["notice.paused"]
        await asyncio.sleep(backoff.PAUSE_S)
        assert manager.state(CHAT).state is PublicState.JOINED

    with_manager(work, lines)


def test_alone_for_a_minute_it_leaves() -> None:
    lines, store = Lines(), MemoryDesires()

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        for event in (ParticipantJoined(ANN), AttendanceKnown()):
            lines.made[0].waiting.put_nowait(event)
        await asyncio.sleep(300)
        assert manager.active == (CHAT,)
        lines.made[0].waiting.put_nowait(ParticipantLeft(ANN))
        await asyncio.sleep(63)
        assert not manager.active
        assert not store.calls
        assert [event.key for event in happened if isinstance(event, events.CallLeft)] == ["ended.alone"]

    with_manager(work, lines, store=store)


def test_sent_away_by_hand_or_from_another_device_it_stays_away_from_that_voice_chat() -> None:
    lines, store = Lines(), MemoryDesires()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        await manager.leave(CHAT)
        assert store.sent_away.pop(CHAT) == 77
        await manager.join(CHAT, "", 1)
        lines.made[1].waiting.put_nowait(LineClosed("another device", goes_on=True))
        await asyncio.sleep(1)
        assert store.sent_away[CHAT] == 77

    with_manager(work, lines, store=store)


def test_speaking_on_demand_is_heard_or_not() -> None:
    lines = Lines()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        assert not await manager.speak(CHAT, "Hello.")
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(MutedByAdmin())
        await asyncio.sleep(0.1)
        assert not await manager.speak(CHAT, "Hello.")

    with_manager(work, lines)
