"""Calls by other doors than Telegram: conducted like private calls, bounded, resumed, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from calls import events
from calls.admission import Admission
from calls.drafting import Engines
from calls.ending import End
from calls.errors import CallError
from calls.guest_calls import MOST_RESUMABLE, RESUME_WITHIN_S, Door, GuestCalls, GuestWishes, is_guest
from calls.lines import LineHungUp, ParticipantJoined
from calls.manners import Manners
from calls.turns.addressing import Mode
from errors import LineError
from tests.calls.scripted_line import ScriptedLine
from tests.calls.stage import ANN, HearsClips, ScriptedBrain, ScriptedVoice
from tests.calls.virtual_time import run_in_virtual_time

CHAT = -1001
WISHES = GuestWishes(door=Door.BROWSER, title="Ann's browser")


def with_guests(work: Callable[[GuestCalls, list[events.CallEvent]], Awaitable[Any]], *, most_calls: int = 3) -> None:
    async def run() -> None:
        loop, bus, happened = asyncio.get_running_loop(), events.EventBus(), list[events.CallEvent]()
        bus.subscribe(happened.append)
        engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())

        async def manners_for(chat_id: int) -> Manners:
            return Manners(welcome="Hello.", instructions=f"Chat {chat_id}." if chat_id == CHAT else "Settings.")

        guests = GuestCalls(
            engines, manners_for, bus, room=lambda: Admission(most_calls).refusal(len(guests.calls)), clock=loop.time, wall_clock=loop.time
        )
        async with guests:
            await work(guests, happened)
        assert not guests.calls
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_in_virtual_time(run())


def test_a_call_is_opened_greeted_and_ends_when_the_caller_hangs_up() -> None:
    async def work(guests: GuestCalls, happened: list[events.CallEvent]) -> None:
        line = ScriptedLine()
        guest = await guests.open(line, WISHES)
        assert guests.find(guest.call_id) is guest
        assert guests.count(Door.BROWSER) == 1
        assert is_guest(guest.chat_id)
        assert not is_guest(CHAT)
        line.waiting.put_nowait(ParticipantJoined(ANN))
        line.waiting.put_nowait(LineHungUp())
        assert (await guest.over).end is End.HUNG_UP
        assert line.closed == 1
        assert [type(event) for event in happened if isinstance(event, events.CallJoined | events.CallLeft)] == [
            events.CallJoined,
            events.CallLeft,
        ]

    with_guests(work)


def test_no_more_calls_than_there_is_room_for() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        await guests.open(ScriptedLine(), WISHES)
        with pytest.raises(CallError, match="as many as I may be in"):
            await guests.open(ScriptedLine(), WISHES)
        assert len(guests.calls) == 1

    with_guests(work, most_calls=1)


def test_a_line_that_does_not_open_leaves_nothing_behind() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        line = ScriptedLine(failure=LineError("The microphone is gone.", "Plug it in."))
        with pytest.raises(LineError, match="microphone is gone"):
            await guests.open(line, WISHES)
        assert not guests.calls
        assert line.closed == 1

    with_guests(work)


def test_whoever_comes_back_soon_goes_on_with_the_conversation() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        first = await guests.open(ScriptedLine(), WISHES)
        busy = await guests.open(ScriptedLine(), GuestWishes(door=Door.BROWSER, title="a thief", session_id=first.session_id))
        assert not busy.resumed
        assert busy.session_id != first.session_id
        first.hang_up()
        await first.over
        await asyncio.sleep(RESUME_WITHIN_S - 1)
        again = await guests.open(ScriptedLine(), GuestWishes(door=Door.BROWSER, title="Ann", session_id=first.session_id))
        assert (again.resumed, again.session_id, again.chat_id) == (True, first.session_id, first.chat_id)
        again.hang_up()
        await again.over
        await asyncio.sleep(RESUME_WITHIN_S + 1)
        late = await guests.open(ScriptedLine(), GuestWishes(door=Door.BROWSER, title="Ann", session_id=first.session_id))
        assert not late.resumed

    with_guests(work)


def test_conversations_that_can_no_longer_be_resumed_are_forgotten() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        for _ in range(5):
            guest = await guests.open(ScriptedLine(), WISHES)
            guest.hang_up()
            await guest.over
            await asyncio.sleep(RESUME_WITHIN_S + 1)
        assert len(guests._sessions) == 1 < MOST_RESUMABLE

    with_guests(work)


def test_persona_opening_purpose_and_length_are_those_asked_for() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        wishes = GuestWishes(
            door=Door.PHONE, title="Ann", chat_id=CHAT, language="ca", opening="Bon dia.", purpose="Remind of the dentist.", longest_s=300.0
        )
        manners = await guests._manners(wishes)
        assert manners.instructions == "Chat -1001. Remind of the dentist."
        assert (manners.welcome, manners.language, manners.voice.language) == ("Bon dia.", "ca", "ca")
        assert (manners.longest_call_s, manners.alone_s, manners.addressing.mode) == (300.0, None, Mode.ALWAYS)

    with_guests(work)


def test_a_call_is_over_when_it_has_lasted_as_long_as_it_may() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        guest = await guests.open(ScriptedLine(), GuestWishes(door=Door.PHONE, title="Ann", longest_s=30.0))
        assert (await guest.over).end is End.TOO_LONG

    with_guests(work)


def test_when_parley_ends_nothing_new_begins_and_all_are_hung_up() -> None:
    async def work(guests: GuestCalls, _happened: list[events.CallEvent]) -> None:
        line = ScriptedLine()
        guest = await guests.open(line, WISHES)
        await guests.drain()
        assert guest.over.done()
        assert line.closed == 1
        with pytest.raises(CallError):
            await guests.open(ScriptedLine(), WISHES)

    with_guests(work)
