"""What a voice chat was joined for holds until the call is over, also when Parley is stopped and started again meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from calls.admission import Admission
from calls.appointment_ways import ByGroup
from calls.desires import MemoryDesires
from calls.drafting import Engines
from calls.events import EventBus
from calls.lines import ParticipantJoined
from calls.manager import CallManager
from calls.manners import Manners
from calls.occasions import Occasion
from calls.state import PublicState
from storage.appointments import Appointment, Method
from tests.calls.scripted_line import Lines
from tests.calls.stage import ANN, HearsClips, ScriptedBrain, ScriptedVoice
from tests.calls.virtual_time import run_in_virtual_time

CHAT = -1001
APPOINTMENT = Appointment(chat_id=CHAT, method=Method.GROUP, id=3, title="Book club", created_by=5)
PURPOSE = "Ask how they slept."
OCCASION = Occasion("Good morning!", PURPOSE, 300.0)


@dataclass
class Club:
    """A chat with a voice chat, where Parley may be started again and again; the time of day is that of the loop."""

    store: MemoryDesires = field(default_factory=MemoryDesires)
    brain: ScriptedBrain = field(default_factory=lambda: ScriptedBrain(lambda _messages: "Yes."))
    voice: ScriptedVoice = field(default_factory=ScriptedVoice)
    persona: str = "You are Parley."

    async def manners_for(self, _chat_id: int) -> Manners:
        return Manners(welcome="Hello.", instructions=self.persona)

    async def tell(self, _chat_id: int, _key: str, /, **_fields: object) -> bool:
        return True

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[CallManager]:
        """Parley at work; at the end it takes leave."""
        clock, lines = asyncio.get_running_loop().time, Lines()
        engines = Engines(HearsClips([]), self.brain, self.voice)
        manager = CallManager(lines, engines, self.manners_for, EventBus(), Admission(2), self.store, wall_clock=clock)
        async with manager:
            ann = asyncio.create_task(self._listen(manager, lines))
            yield manager
            await manager.drain()
            ann.cancel()

    async def _listen(self, manager: CallManager, lines: Lines) -> None:
        entered = 0
        while True:
            await asyncio.sleep(0.01)
            if (call := manager.call(CHAT)) is None:
                continue
            call.playout.read()
            if entered < len(lines.made):
                entered = len(lines.made)
                lines.made[-1].waiting.put_nowait(ParticipantJoined(ANN))

    async def told(self, manager: CallManager) -> str:
        """What the brain is told before everything else when somebody asks something."""
        await asyncio.sleep(2)
        call = manager.call(CHAT)
        assert call is not None
        before = len(self.brain.asked)
        call.typed(ANN, "Are you there?")
        await asyncio.sleep(3)
        assert len(self.brain.asked) > before
        return self.brain.asked[-1][0].text


def test_the_purpose_outlives_a_restart_and_the_sentence_is_said_once() -> None:
    async def work() -> None:
        club = Club()
        async with club.started() as manager:
            await ByGroup(manager, club.tell)(APPOINTMENT, OCCASION)
            assert PURPOSE in await club.told(manager)
            assert club.voice.spoken[0] == OCCASION.opening
        async with club.started() as manager:
            assert PURPOSE in await club.told(manager)
        assert club.voice.spoken.count(OCCASION.opening) == 1

    run_in_virtual_time(work())


def test_a_purpose_taken_up_in_a_call_outlives_what_is_set_for_the_chat_and_a_restart() -> None:
    async def work() -> None:
        club = Club()
        async with club.started() as manager:
            await manager.join(CHAT, "Book club", 5)
            assert PURPOSE not in await club.told(manager)
            await ByGroup(manager, club.tell)(APPOINTMENT, OCCASION)
            assert club.voice.spoken.count(OCCASION.opening) == 1
            club.persona = "You are a pirate."
            await manager.manners_changed(CHAT)
            assert f"You are a pirate. {PURPOSE}" in await club.told(manager)
        async with club.started() as manager:
            assert PURPOSE in await club.told(manager)
            await manager.leave(CHAT)
            await manager.join(CHAT, "Book club", 5)
            assert PURPOSE not in await club.told(manager)
        assert club.voice.spoken.count(OCCASION.opening) == 1

    run_in_virtual_time(work())


def test_an_appointment_during_a_join_is_taken_up_when_it_has_succeeded() -> None:
    async def work() -> None:
        club = Club()
        async with club.started() as manager:
            joining = asyncio.create_task(manager.join(CHAT, "Book club", 5))
            await asyncio.sleep(0.01)
            await ByGroup(manager, club.tell)(APPOINTMENT, OCCASION)
            await joining
            assert PURPOSE in await club.told(manager)
            assert OCCASION.opening in club.voice.spoken

    run_in_virtual_time(work())


def test_the_time_that_it_may_last_is_counted_over_a_restart() -> None:
    async def work() -> None:
        club = Club()
        async with club.started() as manager:
            await ByGroup(manager, club.tell)(APPOINTMENT, OCCASION)
            await asyncio.sleep(100)
        async with club.started() as manager:
            await asyncio.sleep(180)
            assert manager.state(CHAT).state is PublicState.JOINED
            await asyncio.sleep(30)
            assert manager.state(CHAT).state is PublicState.LEFT
            assert manager.wanted == ()
        assert club.store.calls == {}

    run_in_virtual_time(work())


def test_a_call_whose_time_passed_while_parley_was_stopped_is_not_joined_again() -> None:
    async def work() -> None:
        club = Club()
        async with club.started() as manager:
            await ByGroup(manager, club.tell)(APPOINTMENT, OCCASION)
        await asyncio.sleep(300)
        async with club.started() as manager:
            await asyncio.sleep(5)
            assert manager.state(CHAT).state is PublicState.IDLE
            assert manager.wanted == ()
        assert club.store.calls == {}

    run_in_virtual_time(work())
