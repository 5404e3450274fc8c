"""Calls are joined, kept, left and refused; nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from calls import events
from calls.admission import Admission
from calls.desires import MemoryDesires
from calls.drafting import Engines
from calls.lines import (
    LineClosed,
    LineDropped,
    LineLost,
    LineRemoved,
    MutedByAdmin,
    ParticipantJoined,
    ParticipantLeft,
    UnmutedByAdmin,
)
from calls.manager import CallManager
from calls.manners import Manners
from calls.state import PublicState
from errors import LineError
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.stage import ANN, BOB, HearsClips, ScriptedBrain, ScriptedVoice
from tests.calls.virtual_time import run_in_virtual_time

CHAT = -1001


def engines() -> Engines:
    return Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())


def with_manager(
    work: Callable[[CallManager, list[events.CallEvent]], Awaitable[Any]],
    lines: Lines,
    most_calls: int = 2,
    store: MemoryDesires | None = None,
    manners: Manners | None = None,
) -> Any:
    async def run() -> Any:
        bus = events.EventBus()
        happened: list[events.CallEvent] = []
        bus.subscribe(happened.append)
        async with CallManager(lines, engines(), always(manners), bus, Admission(most_calls), store) as manager:
            return await work(manager, happened)

    return run_in_virtual_time(run())


def always(manners: Manners | None) -> Callable[[int], Awaitable[Manners]]:
    async def manners_for(_chat_id: int) -> Manners:
        return manners or Manners()

    return manners_for


def test_joins_and_leaves_and_says_so() -> None:
    lines = Lines()

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        assert manager.state(CHAT).state is PublicState.IDLE
        await manager.join(CHAT, "Book club", 1)
        assert manager.state(CHAT).state is PublicState.JOINED
        assert manager.active == (CHAT,)
        assert await manager.leave(CHAT)
        assert manager.state(CHAT).state is PublicState.LEFT
        told = [type(event).__name__ for event in happened if not isinstance(event, events.PhaseChanged)]
        assert told == ["CallJoined", "CallLeft"]
        assert not await manager.leave(CHAT)

    with_manager(work, lines)
    assert lines.made[0].closed == 1


def test_a_second_join_is_refused_with_the_next_step() -> None:
    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        with pytest.raises(LineError, match=r"already in this call\. Send /leavecall"):
            await manager.join(CHAT, "", 1)

    with_manager(work, Lines())


def test_more_calls_than_allowed_are_refused() -> None:
    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(1, "", 1)
        await manager.join(2, "", 1)
        with pytest.raises(LineError, match="as many as I may be in at once"):
            await manager.join(3, "", 1)

    with_manager(work, Lines())


def test_a_line_that_cannot_be_opened_is_told_and_leaves_nothing() -> None:
    lines = Lines(ScriptedLine(failure=LineError("No active voice chat.", "Start one and send /joincall again.")))

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        with pytest.raises(LineError, match=r"No active voice chat\. Start one"):
            await manager.join(CHAT, "", 1)
        await asyncio.sleep(0.1)
        assert manager.active == ()
        assert manager.state(CHAT).state is PublicState.IDLE
        assert [event for event in happened if isinstance(event, events.CallLeft)] == []

    with_manager(work, lines)
    assert lines.made[0].closed == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (LineClosed(), "I am no longer in the call: the voice chat was ended."),
        (LineRemoved(), "Parley's account was removed from the chat."),
    ],
)
def test_a_call_that_is_over_ends_with_the_reason(event: LineClosed | LineRemoved, reason: str) -> None:
    lines = Lines()

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(event)
        await asyncio.sleep(1)
        assert manager.active == ()
        assert [event.reason for event in happened if isinstance(event, events.CallLeft)] == [reason]

    with_manager(work, lines)
    assert [line.closed for line in lines.made] == [1]


@pytest.mark.parametrize("event", [LineDropped(), LineLost("no sound")])
def test_a_broken_line_is_rejoined_at_once(event: LineDropped | LineLost) -> None:
    lines = Lines()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(event)
        await asyncio.sleep(0.5)
        assert manager.state(CHAT).state is PublicState.JOINED
        assert manager.state(CHAT).phase == "listening"
        assert manager.state(CHAT).error_count == 1

    with_manager(work, lines)
    assert [line.closed for line in lines.made] == [1, 1]


def test_a_line_that_stays_broken_is_given_up_in_the_end() -> None:
    lines = Lines(ScriptedLine(), make=lambda: ScriptedLine(failure=LineError("It does not answer.")))

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        lines.made[0].waiting.put_nowait(LineLost("no sound"))
        await asyncio.sleep(1)
        assert manager.state(CHAT).phase == "reconnecting"
        await asyncio.sleep(60)
        assert manager.active == ()
        assert [event.reason for event in happened if isinstance(event, events.CallLeft)] == [
            "The connection to the voice chat was lost and could not be restored. Send /joincall to have me try at once."
        ]

    with_manager(work, lines)
    assert len(lines.made) == 6


def test_who_is_there_and_whether_we_may_be_heard_is_known() -> None:
    lines = Lines()

    async def work(manager: CallManager, happened: list[events.CallEvent]) -> None:
        await manager.join(CHAT, "", 1)
        for event in (ParticipantJoined(ANN), ParticipantJoined(BOB), ParticipantLeft(ANN), MutedByAdmin()):
            lines.made[0].waiting.put_nowait(event)
        await asyncio.sleep(0.1)
        assert manager.state(CHAT).participants == ["Bob"]
        assert manager.state(CHAT).muted_by_admin
        lines.made[0].waiting.put_nowait(UnmutedByAdmin())
        await asyncio.sleep(0.1)
        assert not manager.state(CHAT).muted_by_admin
        assert [event.names for event in happened if isinstance(event, events.ParticipantsChanged)][-1] == ("Bob",)

    with_manager(work, lines)


def test_the_end_of_the_program_leaves_every_call() -> None:
    lines = Lines()

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        await manager.join(1, "", 1)
        await manager.join(2, "", 1)

    with_manager(work, lines)
    assert [line.closed for line in lines.made] == [1, 1]


def test_a_join_that_is_given_up_leaves_nothing() -> None:
    lines = Lines(ScriptedLine(opens_after_s=30))

    async def work(manager: CallManager, _happened: list[events.CallEvent]) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await manager.join(CHAT, "", 1)
        assert manager.active == ()

    with_manager(work, lines)
    assert lines.made[0].closed == 1
