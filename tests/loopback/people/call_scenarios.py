"""Two people in the voice chat of one supergroup: unmodified Telethon and py-tgcalls against the whole loopback Telegram.

Each scenario runs in a process of its own (see ``tests.call_process``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from loopback.media.server import MediaServer
from loopback.people.mouth import NothingSaid
from loopback.people.pacer import Pacer
from loopback.people.person import Person, PersonError
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from tests.loopback.media.media_scenarios import TAIL_S, until_audible
from tests.loopback.media.native_member import dominant_hz, tone


@dataclass(frozen=True, slots=True)
class Stage:
    """Ann is an admin of the group and Bob a member; both are connected."""

    telegram: LoopbackTelegram
    media: MediaServer
    group: Chat
    ann_account: Account
    bob_account: Account
    ann: Person
    bob: Person
    chat_id: int

    async def both_join(self) -> None:
        await self.ann.start_voice_chat(self.chat_id)
        for person in (self.ann, self.bob):
            began_s = time.monotonic()
            await person.join_call(self.chat_id)
            print(f"{person.name} joined within {time.monotonic() - began_s:.3f} s")

    def ssrc(self, account: Account) -> int:
        return self.telegram.voice_chat(self.group).participants[account.id].source & 0xFFFF_FFFF


@asynccontextmanager
async def a_stage(settings: LoopbackSettings | None = None) -> AsyncIterator[Stage]:
    media = MediaServer()
    async with LoopbackTelegram(media=media, settings=settings) as telegram, Pacer() as pacer, AsyncExitStack() as online:
        ann_account, bob_account = telegram.add_account("Ann"), telegram.add_account("Bob")
        group = telegram.add_group("Book club", ann_account, members=[bob_account])
        ann = Person("Ann", telegram.session_for(ann_account), pacer)
        bob = Person("Bob", telegram.session_for(bob_account), pacer)
        for person in (ann, bob):
            online.push_async_callback(person.disconnect)
            await person.connect()
        yield Stage(telegram, media, group, ann_account, bob_account, ann, bob, -1_000_000_000_000 - group.id)
        assert not telegram.problems(), telegram.problems()


async def heard_by(listener: Person, speaker: Person, frequency_hz: float, seconds: float = 1.0, expected_ms: int = 0) -> int:
    """Let one speak; the audible milliseconds that the other heard of it, at the right pitch. What is expected is waited for."""
    spoken = await speaker.speak(tone(frequency_hz, seconds))
    await asyncio.sleep(TAIL_S)
    ear = listener.ear_of(speaker.user_id)
    await until_audible(ear, spoken.first_s, expected_ms)
    first_s = ear.first_audible_after(spoken.first_s)
    if first_s is None:
        return 0
    hz = dominant_hz(ear.between(first_s + 0.2, first_s + seconds - 0.2))
    print(f"{speaker.name} to {listener.name}: one way {1000 * (first_s - spoken.first_s):.0f} ms, {hz:.0f} Hz")
    assert abs(hz - frequency_hz) < 5, hz
    return ear.audible_ms(spoken.first_s)


async def two_people_talk() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        assert await heard_by(stage.bob, stage.ann, 440, expected_ms=800) >= 800
        assert await heard_by(stage.ann, stage.bob, 660, expected_ms=800) >= 800
        assert stage.ssrc(stage.ann_account) in stage.bob.hearing.ssrcs
        assert stage.bob.hearing.ear(stage.ssrc(stage.ann_account)) is stage.bob.ear_of(stage.ann.user_id)
        assert stage.ann.hearing.ear(stage.ssrc(stage.bob_account)) is stage.ann.ear_of(stage.bob.user_id)


async def muted_person_is_not_heard() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        await stage.ann.mute()
        assert await heard_by(stage.bob, stage.ann, 440) == 0
        await stage.ann.unmute()
        assert await heard_by(stage.bob, stage.ann, 440, expected_ms=800) >= 800
        stage.telegram.mute_by_admin(stage.group, stage.bob_account)
        assert await heard_by(stage.ann, stage.bob, 440) == 0


async def rejoining_keeps_the_ear() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        first_ssrc = stage.ssrc(stage.bob_account)
        await stage.bob.leave_call()
        await stage.bob.join_call(stage.chat_id)
        assert stage.ssrc(stage.bob_account) != first_ssrc
        assert await heard_by(stage.ann, stage.bob, 660, expected_ms=800) >= 800
        assert await heard_by(stage.bob, stage.ann, 440, expected_ms=800) >= 800


async def lost_media_ends_in_removal_and_a_new_start() -> None:
    async with a_stage(LoopbackSettings(media_silence_timeout_s=4.0)) as stage:
        await stage.both_join()
        call = stage.telegram.voice_chat(stage.group)
        stage.media.black_hole(call.id, stage.bob_account.id, True)
        async with asyncio.timeout(40):
            while stage.bob.in_call:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert stage.bob_account.id not in call.participants
        assert stage.ann.in_call
        stage.media.black_hole(call.id, stage.bob_account.id, False)
        await stage.bob.join_call(stage.chat_id)
        assert await heard_by(stage.ann, stage.bob, 660, expected_ms=800) >= 800


async def closed_call_cuts_people_off() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        speaking = asyncio.create_task(stage.bob.speak(tone(440, 30.0)))
        await asyncio.sleep(0.3)
        await stage.ann.leave_call(end=True)
        with pytest.raises(NothingSaid, match=r"not said to its end: Bob (is out of|lost) the call"):
            await asyncio.wait_for(speaking, 30)
        assert not stage.bob.in_call
        with pytest.raises(PersonError, match="no voice chat"):
            await stage.bob.join_call(stage.chat_id)


async def dead_media_times_out_and_leaves_nothing_behind() -> None:
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        stage.media.dead = True
        with pytest.raises(PersonError, match="could not connect to the voice chat within 3 s"):
            await stage.ann.join_call(stage.chat_id, timeout_s=3)
        assert not stage.telegram.voice_chat(stage.group).participants
        stage.media.dead = False
        await stage.ann.join_call(stage.chat_id)
        await stage.bob.join_call(stage.chat_id)
        assert await heard_by(stage.bob, stage.ann, 440, expected_ms=800) >= 800


async def refused_join_says_why() -> None:
    async with a_stage() as stage:
        await stage.ann.start_voice_chat(stage.chat_id)
        stage.telegram.faults.flood("phone.JoinGroupCall", 90)
        with pytest.raises(PersonError, match=r"Ann could not join the voice chat .*FloodWait"):
            await stage.ann.join_call(stage.chat_id)
        assert not stage.ann.in_call


async def lossy_network_is_still_understood() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        stage.media.loss = 0.05
        assert await heard_by(stage.bob, stage.ann, 440, seconds=3.0, expected_ms=2500) >= 2500


async def interrupting_after_so_much_sound() -> None:
    async with a_stage() as stage:
        await stage.both_join()
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            long = group.create_task(stage.ann.speak(tone(440, 8.0)))
            short = group.create_task(stage.bob.interrupt(stage.ann.user_id, 800, tone(660, 0.5), since_s=began_s))
        after_ms = 1000 * (short.result().first_s - long.result().first_s)
        print(f"interrupted {after_ms:.0f} ms after the other began")
        assert 800 <= after_ms < 6000
        assert short.result().last_s < long.result().last_s
        await stage.bob.wait_until_silent(stage.ann.user_id, hold_ms=300, within_s=30)


async def typing_reading_and_voice_notes() -> None:
    async with a_stage() as stage:
        began_s = time.monotonic()
        message_id = await stage.ann.type(stage.chat_id, "Hello Bob")
        letter = await stage.bob.inbox.wait_for("Hello", since_s=began_s, sender_id=stage.ann.user_id, chat_id=stage.chat_id)
        assert letter.message_id == message_id
        assert letter.text == "Hello Bob"
        await stage.ann.client.edit_message(stage.chat_id, message_id, "Goodbye Bob")
        assert (await stage.bob.inbox.wait_for("Goodbye", since_s=began_s)).edited
        note_id = await stage.ann.send_voice_note(stage.chat_id, b"OggS" + bytes(2000), 1.5)
        note = await stage.bob.inbox.wait_for("", since_s=letter.at_s + 1e-6, sender_id=stage.ann.user_id)
        async with asyncio.timeout(30):
            while note.message_id != note_id:
                note = await stage.bob.inbox.wait_for("", since_s=note.at_s + 1e-6)
        assert note.message.voice
        assert len(await note.message.download_media(bytes)) == 2004
