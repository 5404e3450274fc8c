"""Parley's own line and Ann, in the voice chat of one supergroup of the whole loopback Telegram.

Each scenario places real calls and runs in a process of its own (see ``tests.call_process``).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pytest
from telethon import TelegramClient

from audio.pcm import PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ
from audio.playout import PlayingClause, Playout
from calls.errors import CallError
from calls.gates import NO_JOIN_LIMITS, Gates
from calls.lines.line import (
    AttendanceKnown,
    LineClosed,
    LineDropped,
    LineEvent,
    LineRemoved,
    MutedByAdmin,
    Participant,
    ParticipantJoined,
    UnmutedByAdmin,
)
from calls.lines.pacer import Pacer
from calls.lines.telegram_group import TelegramGroupLine
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from config import load_settings
from loopback.media.server import MediaServer
from loopback.people.pacer import Pacer as PeoplePacer
from loopback.people.person import Person
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from tests.calls.waiting import WITHIN_S, until
from tests.loopback.media.native_member import dominant_hz, tone

USUAL_JOIN_TIMEOUT_S = 20.0


@dataclass
class Stage:
    telegram: LoopbackTelegram
    media: MediaServer
    group: Chat
    ann_account: Account
    parley_account: Account
    ann: Person
    account: TelegramAccount
    engine: CallEngine
    pacer: Pacer
    heard: list[tuple[Participant, bytes]] = field(default_factory=list)
    events: list[LineEvent] = field(default_factory=list)
    playout: Playout = field(init=False)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def chat_id(self) -> int:
        return -1_000_000_000_000 - self.group.id

    def line(self, join_timeout_s: float = USUAL_JOIN_TIMEOUT_S) -> TelegramGroupLine:
        self.playout = Playout(asyncio.get_running_loop().time)
        return TelegramGroupLine(self.account, self.engine, self.pacer, self.chat_id, self.group.title, join_timeout_s)

    async def opened(self) -> TelegramGroupLine:
        line = self.line()
        await line.open(lambda participant, pcm: self.heard.append((participant, pcm)), self.playout)
        self.ended.clear()
        self.events.clear()
        self._reader = asyncio.create_task(self._read(line))
        return line

    async def _read(self, line: TelegramGroupLine) -> None:
        async for event in line.events():
            self.events.append(event)
        self.ended.set()

    def news(self) -> list[LineEvent]:
        """What has happened but for the list of participants being read."""
        return [event for event in self.events if event != AttendanceKnown()]

    async def refused(self, join_timeout_s: float = USUAL_JOIN_TIMEOUT_S) -> CallError:
        line = self.line(join_timeout_s)
        with pytest.raises(CallError) as refusal:
            await line.open(lambda participant, pcm: None, self.playout)
        await line.close()
        await self.nothing_left()
        return refusal.value

    async def nothing_left(self) -> None:
        assert not await self.engine.holds(self.chat_id)
        call = self.group.call
        assert call is None or self.parley_account.id not in call.participants
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("line of", "pacer"))]

    def requests(self) -> Counter[str]:
        return Counter(request.method for request in self.telegram.seen("*", self.parley_account))

    def forget_floods(self) -> None:
        self.account.client._flood_waited_requests.clear()
        self.account.gates = Gates(time.monotonic, NO_JOIN_LIMITS, {})


@asynccontextmanager
async def a_stage(settings: LoopbackSettings | None = None) -> AsyncIterator[Stage]:
    media = MediaServer()
    TelegramClient._config = None
    async with (
        LoopbackTelegram(media=media, settings=settings or LoopbackSettings(natural_floods=False)) as telegram,
        PeoplePacer() as pacer,
    ):
        ann_account, parley_account = telegram.add_account("Ann"), telegram.add_account("Parley", username="parley")
        group = telegram.add_group("Book club", ann_account, members=[parley_account])
        async with AsyncExitStack() as stack:
            ann = Person("Ann", telegram.session_for(ann_account), pacer)
            await ann.connect()
            stack.push_async_callback(ann.disconnect)
            account = await TelegramAccount.connect(
                load_settings(None, api_id=1, api_hash="h" * 32, telegram_session=telegram.session_for(parley_account))
            )
            stack.push_async_callback(account.close)
            account.gates = Gates(time.monotonic, NO_JOIN_LIMITS, {})
            engine = CallEngine(account.client)
            await engine.start()
            stack.callback(engine.close)
            yield Stage(telegram, media, group, ann_account, parley_account, ann, account, engine, Pacer())
        assert not telegram.problems(), telegram.problems()


async def talk_both_ways() -> None:
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        await stage.ann.join_call(stage.chat_id)
        line = await stage.opened()
        assert line.description == 'voice chat of "Book club"'
        assert stage.requests()["phone.CreateGroupCall"] == 0
        (joining,) = stage.telegram.seen("phone.JoinGroupCall", stage.parley_account)
        assert (joining.request.video_stopped, joining.request.muted) == (True, False)

        await stage.ann.speak(tone(440, 1.0))
        assert not stage.ann.ear_of(stage.parley_account.id).audible_now(), "it joins with silence"
        await until(lambda: stage.heard and stage.events)
        (ann,) = {participant for participant, _ in stage.heard}
        source = stage.telegram.voice_chat(stage.group).participants[stage.ann_account.id].source & 0xFFFF_FFFF
        assert ann == Participant(stage.ann_account.id, "Ann", source)
        assert {len(pcm) for _, pcm in stage.heard} == {320}
        assert stage.events[0] == ParticipantJoined(ann)

        since_s = time.monotonic()
        clause = PlayingClause("hello", 1)
        clause.append(tone(600, 1.0, PLAYOUT_RATE_HZ))
        clause.finish()
        stage.playout.say(clause)
        first_s = await stage.ann.wait_until_heard(stage.parley_account.id, since_s=since_s, audible_ms=600)
        hz = dominant_hz(stage.ann.ear_of(stage.parley_account.id).between(first_s + 0.1, first_s + 0.6))
        assert abs(hz - 600) < 5, hz
        await until(lambda: clause.done)

        await line.close()
        await line.close()
        await asyncio.wait_for(stage.ended.wait(), WITHIN_S)
        await stage.nothing_left()


async def refusals() -> None:
    async with a_stage() as stage:
        assert str(await stage.refused()) == "No active voice chat. Start one and send /joincall again."
        assert stage.requests()["phone.JoinGroupCall"] == stage.requests()["phone.CreateGroupCall"] == 0

        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        running = stage.group.call
        stage.telegram.faults.flood("channels.GetFullChannel", 90, account_id=stage.parley_account.id)
        told = await stage.refused()
        assert (told.retry_after_s, str(told)) == (90, "Telegram asks me to wait 90 seconds. Send /joincall again in 90 seconds.")
        assert stage.requests()["phone.CreateGroupCall"] == 0
        assert stage.group.call is running
        stage.forget_floods()

        before = stage.requests()["phone.JoinGroupCall"]
        stage.telegram.faults.flood("phone.JoinGroupCall", 38, account_id=stage.parley_account.id)
        assert (await stage.refused()).retry_after_s == 38
        assert stage.requests()["phone.JoinGroupCall"] - before == 1
        stage.forget_floods()

        before = stage.requests()["phone.JoinGroupCall"]
        stage.telegram.faults.fail("phone.JoinGroupCall", 403, "GROUPCALL_FORBIDDEN", times=inf, account_id=stage.parley_account.id)
        assert "Telegram refused to let me into the voice chat." in str(await stage.refused())
        assert stage.requests()["phone.JoinGroupCall"] - before <= 4
        stage.telegram.faults.clear()

        stage.telegram.faults.fail("phone.JoinGroupCall", 400, "CHAT_ADMIN_REQUIRED", account_id=stage.parley_account.id)
        assert "My account may not join voice chats here." in str(await stage.refused())

        stage.telegram.faults.fail("phone.JoinGroupCall", 400, "GROUPCALL_SSRC_DUPLICATE_MUCH", account_id=stage.parley_account.id)
        line = await stage.opened()
        await line.close()
        await stage.nothing_left()


async def ended_between_look_up_and_join() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        stage.telegram.faults.delay("phone.JoinGroupCall", 1.0, account_id=stage.parley_account.id)
        refusal = asyncio.create_task(stage.refused())
        await until(lambda: stage.requests()["phone.JoinGroupCall"])
        stage.telegram.end_voice_chat(stage.group, stage.ann_account)
        assert str(await refusal) == "No active voice chat. Start one and send /joincall again."
        assert stage.requests()["phone.CreateGroupCall"] == 0


async def ended_as_the_join_completes() -> None:
    """The library would join anew when it is told to record a call that it no longer has, and make a voice chat for it."""
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        library: Any = stage.engine._library
        play = library.play

        async def play_and_end(*arguments: Any) -> None:
            await play(*arguments)
            stage.telegram.end_voice_chat(stage.group, stage.ann_account)
            while await stage.engine.holds(stage.chat_id):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

        library.play = play_and_end
        assert str(await stage.refused()) == "No active voice chat. Start one and send /joincall again."
        assert stage.requests()["phone.CreateGroupCall"] == 0


async def dropped_closed_and_removed() -> None:
    async with a_stage() as stage:
        endings: list[tuple[LineEvent, Callable[[], object]]] = [
            (LineDropped(), lambda: stage.telegram.drop_media(stage.group, stage.parley_account)),
            (LineClosed(), lambda: stage.telegram.end_voice_chat(stage.group, stage.ann_account)),
            (LineRemoved(), lambda: stage.telegram.remove_member(stage.group, stage.parley_account, stage.ann_account)),
        ]
        for ending, cause in endings:
            if stage.group.call is None:
                stage.telegram.start_voice_chat(stage.group, stage.ann_account)
            line = await stage.opened()
            cause()
            await until(stage.news)
            assert stage.news() == [ending], (stage.events, ending)
            await line.close()
            await asyncio.wait_for(stage.ended.wait(), WITHIN_S)
            await stage.nothing_left()
        assert "My account has no access to this chat." in str(await stage.refused())


async def taken_over_by_another_device() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        line = await stage.opened()
        async with PeoplePacer() as pacer:
            phone = Person("Parley's phone", stage.telegram.session_for(stage.parley_account), pacer)
            await phone.connect()
            await phone.join_call(stage.chat_id)
            await until(stage.news)
            assert stage.news() == [LineClosed("the account joined this voice chat from another device", goes_on=True)]
            await line.close()
            assert stage.parley_account.id in stage.telegram.voice_chat(stage.group).participants, "the other device was thrown out"
            assert phone.in_call
            await phone.disconnect()


async def somebody_removed_from_another_device() -> None:
    """The library takes every removal by our own account for our own leaving; so it is only where we are the one who goes."""
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        await stage.ann.join_call(stage.chat_id)
        line = await stage.opened()
        bob = stage.telegram.add_account("Bob")
        stage.telegram.add_member(stage.group, bob, stage.ann_account)
        stage.telegram.remove_member(stage.group, bob, stage.parley_account)
        await asyncio.sleep(1.0)
        assert await stage.engine.holds(stage.chat_id)
        assert stage.requests()["phone.LeaveGroupCall"] == 0
        cache: Any = stage.engine._bridge._cache
        assert await cache.get_input_call(stage.chat_id) is not None
        assert stage.requests()["channels.GetFullChannel"] == 1, "the library knows the voice chat still"
        await stage.ann.speak(tone(440, 0.5))
        await until(lambda: stage.heard)
        assert {type(each) for each in stage.news()} == {ParticipantJoined}

        stage.telegram.remove_member(stage.group, stage.parley_account, stage.parley_account)
        await until(lambda: LineRemoved() in stage.events)
        await line.close()
        await stage.nothing_left()


async def muted_and_allowed_to_speak() -> None:
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        await stage.ann.join_call(stage.chat_id)
        line = await stage.opened()
        stage.telegram.mute_by_admin(stage.group, stage.parley_account)
        await until(lambda: MutedByAdmin() in stage.events)
        stage.telegram.mute_by_admin(stage.group, stage.parley_account, muted=False)
        await until(lambda: UnmutedByAdmin() in stage.events)
        place = stage.telegram.voice_chat(stage.group).participants[stage.parley_account.id]
        await until(lambda: not place.muted)
        await line.close()


async def dead_media() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        stage.media.dead = True
        async with asyncio.timeout(USUAL_JOIN_TIMEOUT_S):
            told = await stage.refused(join_timeout_s=6.0)
        assert str(told).startswith("The voice chat could not be joined: no sound connection came about in time.")
        stage.media.dead = False
        line = await stage.opened()
        await line.close()
        await stage.nothing_left()


async def cancelled_while_joining() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        stage.media.dead = True
        joining = asyncio.create_task(stage.line().open(lambda participant, pcm: None, stage.playout))
        await until(lambda: stage.requests()["phone.JoinGroupCall"])
        await asyncio.sleep(0.2)
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining
        await stage.nothing_left()


async def cancelled_while_connecting() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        for tries in range(1, 41):
            opening = asyncio.create_task(stage.opened())
            await until(lambda tries=tries: stage.requests()["phone.JoinGroupCall"] == tries)  # type: ignore[misc]
            await asyncio.sleep(tries % 4 * 0.0005)
            opening.cancel()
            await asyncio.wait([opening])
            assert opening.cancelled()
            await stage.nothing_left()


async def participants_lost_and_found() -> None:
    """An update about Ann never comes: her voice is asked about and nothing of it is lost to a stranger."""
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        line = await stage.opened()
        stage.telegram.lose_pushes(stage.parley_account, 2)
        await stage.ann.join_call(stage.chat_id)
        await stage.ann.speak(tone(440, 0.5))
        await until(lambda: stage.heard)
        assert {participant.name for participant, _ in stage.heard} == {"Ann"}
        await line.close()


async def versions_that_leave_a_gap_have_the_list_read_again() -> None:
    async with a_stage() as stage:
        stage.telegram.start_voice_chat(stage.group, stage.ann_account)
        line = await stage.opened()
        stage.telegram.lose_pushes(stage.parley_account, 1)
        stage.telegram.crowd(stage.group, 1)
        read_before = stage.requests()["phone.GetGroupParticipants"]
        stage.telegram.skip_call_version(stage.group)
        stage.telegram.crowd(stage.group, 3)
        await until(lambda: stage.requests()["phone.GetGroupParticipants"] > read_before)
        await until(lambda: len([event for event in stage.events if isinstance(event, ParticipantJoined)]) == 3)
        await line.close()


async def wrong_frames_never_reach_the_native_library() -> None:
    async with a_stage() as stage:
        for size in (0, PLAYOUT_FRAME_BYTES - 2, PLAYOUT_FRAME_BYTES * 2):
            with pytest.raises(ValueError, match="480 bytes"):
                await stage.engine.send(stage.chat_id, bytes(size))
