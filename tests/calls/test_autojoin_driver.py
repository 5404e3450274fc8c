"""Joining unasked: what is asked of Telegram before, what failures lead to, and what the sweeps find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from calls import errors, events
from calls.admission import Admission
from calls.autojoin import Running, Seen, Why
from calls.autojoin_driver import LOOK_UPS_PER_SWEEP, MOST_FAILURES, AutoJoin
from calls.desires import MemoryDesires
from calls.gates import Gates, JoinLimits
from calls.manager import CallManager
from errors import LineError
from storage import chats
from storage.database import Database
from storage.errors import StorageError
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.test_manager import always, engines
from tests.calls.waiting import until

CHAT = -1001
TWO = Seen(Running.VOICE_CHAT, 77, 2)


@dataclass
class VoiceChats:
    """What updates have told (``now``), and what Telegram answers when it is asked (``truth``)."""

    now: dict[int, Seen] = field(default_factory=dict)
    truth: dict[int, Seen] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    refusal: errors.CallError | None = None
    listeners: list[Callable[[int], None]] = field(default_factory=list)

    def seen(self, chat_id: int) -> Seen:
        return self.now.get(chat_id, Seen())

    def looked_up_ago_s(self, chat_id: int) -> float | None:
        return 1.0 if chat_id in self.asked else None

    async def look_up(self, chat_id: int, most_wait_s: float = 0.0) -> Seen:
        if self.refusal:
            raise self.refusal
        self.asked.append(chat_id)
        self.now[chat_id] = self.truth.get(chat_id, Seen(Running.NOTHING))
        return self.now[chat_id]

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, chat_id: int, seen: Seen, truth: Seen | None = None) -> None:
        self.now[chat_id], self.truth[chat_id] = seen, truth or seen
        for listener in self.listeners:
            listener(chat_id)


@dataclass
class Now:
    s: float = 1_000_000.0


class WatchedAutoJoin(AutoJoin):
    """Tells when it has swept, which it does for the first time as soon as it begins, and whether it has nothing to do."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.swept = asyncio.Event()

    async def sweep(self) -> None:
        await super().sweep()
        self.swept.set()

    @property
    def at_rest(self) -> bool:
        return not (self._waiting or self._busy)


@dataclass
class Scene:
    auto_join: WatchedAutoJoin
    manager: CallManager
    voice_chats: VoiceChats
    database: Database
    store: MemoryDesires
    lines: Lines
    happened: list[events.CallEvent]
    now: Now

    async def settle(self) -> None:
        """Wait until every chat that was to be looked at has been, and joined if that was right."""
        await until(lambda: self.auto_join.at_rest)

    def notices(self) -> list[str]:
        return [event.key for event in self.happened if isinstance(event, events.CallNotice)]


@asynccontextmanager
async def a_scene(folder: Path, lines: Lines | None = None, most_calls: int = 5) -> AsyncIterator[Scene]:
    database = await Database.open(folder / "parley.db")
    lines = lines or Lines(make=lambda: ScriptedLine(opens_after_s=0.0))
    bus, store, happened = events.EventBus(), MemoryDesires(), list[events.CallEvent]()
    bus.subscribe(happened.append)
    gates = Gates(asyncio.get_running_loop().time, JoinLimits(chat_pause_s=0.0))
    admission, voice_chats = Admission(most_calls), VoiceChats()
    async with CallManager(lines, engines(), always(None), bus, admission, store, gates=gates) as manager:
        now = Now()
        auto_join = WatchedAutoJoin(manager, voice_chats, database, store, gates, admission, bus, wall_clock=lambda: now.s)
        scene = Scene(auto_join, manager, voice_chats, database, store, lines, happened, now)
        async with auto_join:
            await auto_join.swept.wait()
            yield scene
    await database.close()


def failing(error: LineError) -> Lines:
    return Lines(make=lambda: ScriptedLine(failure=error, opens_after_s=0.0))


async def test_a_change_in_a_voice_chat_has_it_joined_and_told(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await chats.change(scene.database, CHAT, auto_join=True, title="Book club")
        scene.voice_chats.tell(CHAT, replace(TWO, people=1))
        await scene.settle()
        assert not scene.manager.active
        assert scene.voice_chats.asked == []
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert scene.manager.active == (CHAT,)
        assert scene.manager.state(CHAT).auto_joined
        assert scene.store.calls[CHAT].title == "Book club"
        assert scene.notices() == ["auto_join.joined"]
        assert (await scene.auto_join.verdict(CHAT)).why is Why.ALREADY_IN


async def test_a_chat_that_has_not_asked_for_it_is_left_alone(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert scene.lines.made == []
        assert (await scene.auto_join.verdict(CHAT)).why is Why.OFF


async def test_before_joining_telegram_is_asked_once_more(tmp_path: Path) -> None:
    """Our own account may be there with a telephone: joining would throw that out."""
    async with a_scene(tmp_path) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        scene.voice_chats.tell(CHAT, TWO, truth=replace(TWO, own_inside=True))
        await scene.settle()
        assert scene.voice_chats.asked == [CHAT]
        assert scene.lines.made == []
        assert (await scene.auto_join.verdict(CHAT)).why is Why.ELSEWHERE


async def test_when_telegram_does_not_tell_nothing_is_joined(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        scene.voice_chats.refusal = errors.flood(90)
        assert (await scene.auto_join.verdict(CHAT)).why is Why.UNKNOWN
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert scene.lines.made == []


async def test_k28_after_an_error_there_are_ten_minutes_of_rest(tmp_path: Path) -> None:
    async with a_scene(tmp_path, failing(errors.of(errors.NOT_REACHED))) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        for _ in range(3):
            scene.voice_chats.tell(CHAT, TWO)
            await scene.settle()
        assert len(scene.lines.made) == 1
        verdict = await scene.auto_join.verdict(CHAT)
        assert (verdict.why, verdict.fields) == (Why.RECENT_ERROR, {"minutes": 10})
        scene.now.s += 601
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert len(scene.lines.made) == 2


async def test_a127_five_failures_in_a_row_switch_it_off_with_the_reason(tmp_path: Path) -> None:
    async with a_scene(tmp_path, failing(errors.of(errors.NOT_REACHED))) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        for attempt in range(MOST_FAILURES + 1):
            assert len(scene.lines.made) == attempt
            scene.voice_chats.tell(CHAT, TWO)
            await scene.settle()
            scene.now.s += 601
            if attempt < MOST_FAILURES - 1:
                assert scene.notices() == []
            else:
                break
        (notice,) = [event for event in scene.happened if isinstance(event, events.CallNotice)]
        assert notice.key == "auto_join.gave_up"
        assert "no sound connection came about" in notice.text
        assert "/callon" in notice.text
        assert not (await chats.get(scene.database, CHAT)).auto_join
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert len(scene.lines.made) == MOST_FAILURES


async def test_a126_a_chat_without_access_is_left_alone_until_somebody_asks(tmp_path: Path) -> None:
    async with a_scene(tmp_path, failing(errors.of(errors.NO_ACCESS))) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert "no access" in scene.store.disabled[CHAT]
        await chats.change(scene.database, CHAT, disabled_reason=scene.store.disabled[CHAT])
        scene.now.s += 3600
        verdict = await scene.auto_join.verdict(CHAT)
        assert verdict.why is Why.DISABLED
        assert "My account has no access to this chat." in str(verdict.fields["what"])


@pytest.mark.parametrize("error", [errors.of(errors.NO_VOICE_CHAT), errors.flood(90), errors.of(errors.BROKEN_OFF)])
async def test_what_is_nobodys_fault_does_not_count(tmp_path: Path, error: errors.CallError) -> None:
    async with a_scene(tmp_path, failing(error)) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        for _ in range(MOST_FAILURES + 1):
            scene.voice_chats.tell(CHAT, TWO)
            await scene.settle()
        assert (await chats.get(scene.database, CHAT)).auto_join
        assert scene.store.errors == {}


async def test_no_more_calls_than_there_is_room_for(tmp_path: Path) -> None:
    async with a_scene(tmp_path, most_calls=1) as scene:
        for chat_id in (CHAT, CHAT - 1):
            await chats.change(scene.database, chat_id, auto_join=True)
            scene.voice_chats.tell(chat_id, TWO)
            await scene.settle()
        assert scene.manager.active == (CHAT,)
        assert (await scene.auto_join.verdict(CHAT - 1)).why is Why.FULL


async def test_a_call_sent_away_by_hand_is_not_joined_again(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        await scene.manager.leave(CHAT)
        scene.voice_chats.tell(CHAT, replace(TWO, people=9))
        await scene.settle()
        assert not scene.manager.active
        assert (await scene.auto_join.verdict(CHAT)).why is Why.LEFT_BY_HAND
        scene.voice_chats.tell(CHAT, replace(TWO, voice_chat_id=78))
        await scene.settle()
        assert scene.manager.active == (CHAT,)


async def test_a_sweep_asks_about_a_few_chats_and_joins_what_it_finds(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await scene.settle()
        for number in range(LOOK_UPS_PER_SWEEP + 2):
            await chats.change(scene.database, CHAT - number, auto_join=True)
        scene.voice_chats.truth[CHAT] = scene.voice_chats.truth[CHAT - 5] = TWO
        await scene.auto_join.sweep()
        await scene.settle()
        assert len(set(scene.voice_chats.asked)) == LOOK_UPS_PER_SWEEP
        await scene.auto_join.sweep()
        await scene.settle()
        assert set(scene.manager.active) == {CHAT, CHAT - 5}


async def test_a_database_that_cannot_be_read_costs_nothing_but_the_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_scene(tmp_path) as scene:
        await chats.change(scene.database, CHAT, auto_join=True)

        async def refuse(*_: object) -> None:
            raise StorageError("The database is damaged.")

        with monkeypatch.context() as broken:
            broken.setattr(chats, "get", refuse)
            broken.setattr(chats, "with_auto_join", refuse)
            scene.voice_chats.tell(CHAT, TWO)
            await scene.auto_join.sweep()
            await scene.settle()
            assert scene.lines.made == []
        scene.voice_chats.tell(CHAT, TWO)
        await scene.settle()
        assert scene.manager.active == (CHAT,)
