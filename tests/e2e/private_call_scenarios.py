"""The whole of Parley on the telephone: with people who are real clients, and with people who have none.

Each scenario runs in a process of its own (see ``tests.call_process``). Ann is the owner.

python -m tests.e2e.private_call_scenarios SCENARIO     runs one
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from telethon import TelegramClient
from telethon.tl import types as t

from audio.pcm import PLAYOUT_RATE_HZ, peak
from audio.playout import PlayingClause
from calls import events
from calls.call import Call
from calls.lines import Participant
from calls.private_calls import PrivateCalls
from calls.telephone import telephone as telephone_of_the_house
from handlers.wording import say
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from loopback.people.phone import CallFailed
from loopback.world.accounts import Account, CallPrivacy
from loopback.world.private_call import PrivateCall, Stage
from service import all_calls
from tests.e2e.whole_parley import Scene, scene
from tests.loopback.media.native_member import dominant_hz, tone

HZ, PARLEY_HZ = 440, 600
NOTICED_WITHIN_S = 25.0


@dataclass
class Telephone:
    """A scene with telephones. ``happened`` is all that Parley tells of its private calls."""

    scene: Scene
    pacer: Pacer
    online: AsyncExitStack
    calls: list[PrivateCalls] = field(default_factory=list)
    happened: list[events.CallEvent] = field(default_factory=list)

    async def person(self, account: Account) -> Person:
        """Somebody with a client."""
        person = Person(account.first_name, self.scene.telegram.session_for(account), self.pacer)
        await person.connect()
        self.online.push_async_callback(person.disconnect)
        return person

    @property
    def call(self) -> Call | None:
        return self.calls[-1].call(self.calls[-1].calls[0].user_id) if self.calls[-1].calls else None

    def last(self, caller: Account, callee: Account) -> PrivateCall:
        return self.scene.telegram.calls_between(caller, callee)[-1]

    async def over(self, call: PrivateCall, within_s: float = 30.0) -> str:
        """Why a call is over, as both ends find it in their chat."""
        await self.scene.until(lambda: call.stage is Stage.OVER, within_s)
        actions = [m.content.action for m in self.scene.telegram.messages(call.caller)]
        notes = [action for action in actions if isinstance(action, t.MessageActionPhoneCall)]
        return type(notes[-1].reason).__name__.removeprefix("PhoneCallDiscardReason")

    # ---- in private

    async def tell(self, text: str, within_s: float = 60.0) -> str:
        """Parley's reply to a command that Ann gives in private."""
        return await self.reply(self.ask(text), within_s)

    def ask(self, text: str) -> int:
        telegram, ann, parley = self.scene.telegram, self.scene.ann, self.scene.parley
        return telegram.say(parley, ann, text).id

    async def reply(self, asked: int, within_s: float = 60.0) -> str:
        found = await self.scene.until(lambda: [m for m in self.letters(self.scene.ann) if m.reply_to == asked], within_s)
        return str(found[-1].content.text)

    def letters(self, to: Account) -> list[Any]:
        """What Parley has written to somebody, as that person sees it."""
        return [m for m in self.scene.telegram.messages(to) if m.content.sender is self.scene.parley and m.content.text]

    def of(self, kind: type[events.CallEvent]) -> list[Any]:
        return [event for event in self.happened if isinstance(event, kind)]

    async def clean(self) -> None:
        """Nothing of a call is left."""
        await self.scene.until(lambda: not self.calls[-1].calls and not self._tasks_of_calls())

    def _tasks_of_calls(self) -> list[str]:
        names = [task.get_name() for task in asyncio.all_tasks()]
        return [name for name in names if name.startswith(("private call", "line of the call", "call "))]


@contextlib.asynccontextmanager
async def a_telephone(**settings: Any) -> AsyncIterator[Telephone]:
    TelegramClient._config = None
    with tempfile.TemporaryDirectory() as folder:
        wanted: dict[str, Any] = {"control_socket": "none", "auto_answer_delay_ms": 200} | settings
        async with scene(folder, **wanted) as made, Pacer() as pacer, AsyncExitStack() as online:
            made.settings = made.settings.model_copy(update={"owner_id": made.ann.id})
            for account in (made.ann, made.bob):
                made.telegram.add_contact(made.parley, account)
                made.telegram.add_contact(account, made.parley)
            telephone = Telephone(made, pacer, online)
            _watch(telephone)
            async with made.running():
                await made.until(lambda: telephone.calls)
                await made.until(lambda: made.telegram.seen("updates.GetState", made.parley))
                yield telephone


def _watch(telephone: Telephone) -> None:
    """Keep what the service makes."""
    made = telephone_of_the_house

    def watched(*arguments: Any, **options: Any) -> PrivateCalls:
        calls = made(*arguments, **options)
        telephone.calls.append(calls)
        next(each for each in arguments if isinstance(each, events.EventBus)).subscribe(telephone.happened.append)
        return calls

    mock.patch.object(all_calls, "telephone", watched).start()


async def heard_by(listener: Person, speaker_id: int, hz: float, since_s: float) -> None:
    """The listener hears that tone."""
    await listener.wait_until_heard(speaker_id, since_s=since_s, audible_ms=300)
    ear = listener.ear_of(speaker_id)
    first_s = ear.first_audible_after(since_s)
    assert first_s is not None
    assert abs(dominant_hz(ear.between(first_s + 0.05, first_s + 0.25)) - hz) < 10


async def both_are_heard(telephone: Telephone, person: Person) -> None:
    """The person hears Parley, and Parley the person."""
    call = telephone.call
    assert call is not None
    heard: list[bytes] = []

    def hear(participant: Participant, pcm: bytes) -> None:
        """From the beginning of the tone on."""
        if participant.id == person.user_id and (heard or peak(pcm) > 1000):
            heard.append(pcm)

    unlisten = call.listen(hear)
    clause = PlayingClause("hum", 1)
    clause.append(tone(PARLEY_HZ, 1.0, PLAYOUT_RATE_HZ))
    clause.finish()
    since_s = time.monotonic()
    call.playout.say(clause)
    await heard_by(person, telephone.scene.parley.id, PARLEY_HZ, since_s)
    await person.speak(tone(HZ, 1.0))
    await telephone.scene.until(lambda: len(heard) >= 70)
    unlisten()
    assert abs(dominant_hz(b"".join(heard[10:70])) - HZ) < 10


# ---- being phoned


async def incoming_answered() -> None:
    async with a_telephone(auto_answer_from="contacts") as telephone:
        ann = await telephone.person(telephone.scene.ann)
        began_s = time.monotonic()
        await ann.call(telephone.scene.parley.id)
        print(f"connected after {time.monotonic() - began_s:.2f} s, 0.2 of them ringing")
        await telephone.scene.until(lambda: telephone.of(events.CallConnected))
        (incoming,), (connected,) = telephone.of(events.CallIncoming), telephone.of(events.CallConnected)
        assert (incoming.name, connected.incoming, len(connected.emojis) >= 4) == ("Ann", True, True)
        call = telephone.last(telephone.scene.ann, telephone.scene.parley)
        assert call.received_at is not None
        await both_are_heard(telephone, ann)
        await ann.hang_up()
        await telephone.scene.until(lambda: telephone.of(events.CallEnded))
        assert await telephone.over(call) == "Hangup"
        assert telephone.letters(telephone.scene.ann) == []
        await telephone.clean()


async def incoming_refused() -> None:
    async with a_telephone(auto_answer_from="contacts") as telephone:
        telegram, parley, carol = telephone.scene.telegram, telephone.scene.parley, telephone.scene.carol
        call = telegram.phone(carol, parley)
        assert await telephone.over(call) == "Busy"
        await telephone.scene.until(lambda: telephone.letters(carol))
        assert [m.content.text for m in telephone.letters(carol)] == [say("en", "phone.may_not_answer")]
        assert await telephone.over(telegram.phone(carol, parley)) == "Busy"
        await asyncio.sleep(0.5)
        assert len(telephone.letters(carol)) == 1, "told twice"
        assert telephone.of(events.CallConnected) == []
        gives_up = telegram.phone(carol, parley)
        telegram.hang_up(gives_up, t.PhoneCallDiscardReasonMissed())
        await telephone.scene.until(lambda: [e for e in telephone.of(events.CallEnded) if e.key == "phone.missed"])
        await telephone.clean()


async def incoming_left_alone_or_decided_by_a_program() -> None:
    async with a_telephone(auto_answer=False) as telephone:
        telegram, parley, bob, calls = telephone.scene.telegram, telephone.scene.parley, telephone.scene.bob, telephone.calls[-1]
        rings = telegram.phone(bob, parley)
        await telephone.scene.until(lambda: calls.calls)
        await asyncio.sleep(0.5)
        assert (rings.stage, rings.received_at) == (Stage.REQUESTED, None), "it rings elsewhere, too"
        assert await calls.reject(bob.id) == bob.id
        assert await telephone.over(rings) == "Busy"
        await telephone.clean()
        person = await telephone.person(bob)
        phoning = asyncio.create_task(person.call(parley.id))
        await telephone.scene.until(lambda: calls.calls)
        assert await calls.accept() == bob.id
        await phoning
        await both_are_heard(telephone, person)
        assert await calls.hangup(bob.id) == bob.id
        assert await telephone.over(telephone.last(bob, parley)) == "Hangup"
        await telephone.clean()


async def conference_invitation_declined() -> None:
    async with a_telephone() as telephone:
        telegram, bob = telephone.scene.telegram, telephone.scene.bob
        invitation = telegram.invite_to_conference(bob, telephone.scene.parley)
        await telephone.scene.until(lambda: telephone.letters(bob))
        assert [m.content.text for m in telephone.letters(bob)] == [say("en", "phone.conference")]
        await telephone.scene.until(lambda: invitation.content.action.missed)


# ---- phoning


async def outgoing_answered() -> None:
    async with a_telephone() as telephone:
        bob = await telephone.person(telephone.scene.bob)
        asked = telephone.ask(f"/call {bob.user_id}")
        await bob.answer_call()
        reply = await telephone.reply(asked)
        (connected,) = await telephone.scene.until(lambda: telephone.of(events.CallConnected))
        assert reply == say("en", "phone.in_call", name="Bob", emojis=connected.emojis)
        await both_are_heard(telephone, bob)
        assert await telephone.tell(f"/call {telephone.scene.carol.id}") == _told("phone.on_the_phone")
        assert await telephone.tell("/hangup") == say("en", "phone.hung_up")
        assert await telephone.over(telephone.last(telephone.scene.parley, telephone.scene.bob)) == "Hangup"
        await telephone.scene.until(lambda: bob.phone.peer_id is None)
        assert await telephone.tell("/hangup") == _told("call_error.no_private_call")
        await telephone.clean()


async def outgoing_in_vain() -> None:
    async with a_telephone(call_ring_s=10) as telephone:
        telegram, parley, bob_account = telephone.scene.telegram, telephone.scene.parley, telephone.scene.bob
        call_bob = f"/call {bob_account.id}"
        bob = await telephone.person(bob_account)
        for busy, key in ((True, "call_error.busy"), (False, "call_error.declined")):
            asked = telephone.ask(call_bob)
            await bob.phone.wait_for_ring()
            await bob.phone.decline(parley.id, busy=busy)
            assert await telephone.reply(asked) == _told(key)
        asked = telephone.ask(call_bob)
        await bob.phone.wait_for_ring()
        assert await telephone.reply(asked) == _told("call_error.no_answer")
        assert await telephone.over(telephone.last(parley, bob_account)) == "Missed"
        asked = telephone.ask(call_bob)
        await bob.phone.wait_for_ring()
        assert await telephone.tell("/hangup") == say("en", "phone.hung_up")
        assert await telephone.reply(asked) == _told("phone.broken_off")
        telegram.allow_calls(bob_account, CallPrivacy.NOBODY)
        assert await telephone.tell(call_bob) == _told("call_error.privacy")
        telegram.allow_calls(bob_account, CallPrivacy.EVERYBODY)
        telegram.block(bob_account, parley)
        assert await telephone.tell(call_bob) == _told("phone.blocked")
        telegram.faults.flood("phone.RequestCall", 40)
        assert await telephone.tell(call_bob) == say("en", "phone.flood", seconds=40)
        assert await telephone.tell("/call @nobody_of_this_name") == _told("phone.nobody")
        assert await telephone.tell(f"/call {parley.id}") == _told("phone.nobody")
        await telephone.clean()


async def unanswered_without_a_ring() -> None:
    """Nobody's device says that it rings: Parley gives up."""
    async with a_telephone(call_ring_s=5) as telephone:
        assert await telephone.tell(f"/call {telephone.scene.carol.id}") == _told("phone.nobody")
        telephone.scene.telegram.add_contact(telephone.scene.parley, telephone.scene.carol)
        assert await telephone.tell(f"/call {telephone.scene.bob.id}") == _told("call_error.no_answer")
        await telephone.clean()


def _told(key: str) -> str:
    return say("en", key)


# ---- what happens to a call


async def dies_silently() -> None:
    """Ann's program is stopped in the middle of a call: nothing comes any more, and nothing refuses what is sent to it."""
    async with a_telephone(auto_answer_from="contacts") as telephone:
        scene_ = telephone.scene
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.e2e.private_call_scenarios", "talk", scene_.telegram.session_for(scene_.ann), str(scene_.parley.id)
        )
        try:
            await scene_.until(lambda: telephone.call, 60)
            await asyncio.sleep(2.0)
            os.kill(child.pid, signal.SIGSTOP)
            died_s = time.monotonic()
            await scene_.until(lambda: telephone.of(events.CallEnded), NOTICED_WITHIN_S + 10)
            took_s = time.monotonic() - died_s
            print(f"noticed after {took_s:.1f} s")
            assert took_s <= NOTICED_WITHIN_S
            assert telephone.of(events.CallEnded)[0].key == "phone.lost"
            assert await telephone.over(telephone.last(scene_.ann, scene_.parley)) == "Disconnect"
            await scene_.until(lambda: telephone.letters(scene_.ann))
            assert telephone.letters(scene_.ann)[-1].content.text == _told("phone.lost")
            await telephone.clean()
        finally:
            child.kill()
            await child.wait()


async def talk(session: str, parley_id: str) -> None:
    """A program of somebody who phones Parley and hums, until it is stopped."""
    async with Pacer() as pacer:
        person = Person("Ann", session, pacer)
        await person.connect()
        await person.call(int(parley_id))
        while True:
            await person.speak(tone(HZ, 1.0))


async def beside_a_group_call() -> None:
    """Bob talks with Parley in the group, Ann on the phone: each hears Parley's own words to them, and a third is told it is busy."""
    async with a_telephone(auto_answer_from="contacts", alone_s=600) as telephone:
        scene_ = telephone.scene
        scene_.telegram.start_voice_chat(scene_.group, scene_.ann)
        assert await scene_.command("/joincall") == say("en", "join.joined")
        bob, ann = await telephone.person(scene_.bob), await telephone.person(scene_.ann)
        await bob.join_call(scene_.chat_id)
        await ann.call(scene_.parley.id)
        await scene_.until(lambda: telephone.call)
        await both_are_heard(telephone, ann)
        assert bob.ear_of(scene_.parley.id).first_audible_after(0) is None, "the group hears what is said on the phone"
        assert scene_.is_in
        second = scene_.telegram.phone(scene_.carol, scene_.parley)
        assert await telephone.over(second) == "Busy"
        await ann.hang_up()
        await scene_.until(lambda: not telephone.calls[-1].calls)
        assert scene_.is_in
        await bob.leave_call()


async def longest_call() -> None:
    async with a_telephone(auto_answer_from="contacts") as telephone:
        telephone.calls[-1]._longest_s = 5.0
        ann = await telephone.person(telephone.scene.ann)
        await ann.call(telephone.scene.parley.id)
        await telephone.scene.until(lambda: telephone.letters(telephone.scene.ann))
        assert telephone.letters(telephone.scene.ann)[-1].content.text == _told("phone.too_long")
        await telephone.scene.until(lambda: ann.phone.peer_id is None)
        await telephone.clean()


async def forged_key_is_refused() -> None:
    """Somebody between the two shows Parley another key than the one that was promised: the call does not come about."""
    async with a_telephone(auto_answer_from="contacts") as telephone:
        telegram, ann = telephone.scene.telegram, telephone.scene.ann
        call = telegram.phone(ann, telephone.scene.parley)
        await telephone.scene.until(lambda: call.stage is Stage.ACCEPTED)
        telegram.world.private_calls.confirm(call, os.urandom(256), 1)
        await telephone.scene.until(lambda: telephone.of(events.CallEnded))
        assert telephone.of(events.CallEnded)[0].key == "phone.not_secret"
        assert telephone.of(events.CallConnected) == []
        await telephone.clean()


async def leaves_with_a_word() -> None:
    """When Parley stops it says good-bye on the phone, too, and hangs up."""
    async with a_telephone(auto_answer_from="contacts") as telephone:
        ann = await telephone.person(telephone.scene.ann)
        await ann.call(telephone.scene.parley.id)
        await telephone.scene.until(lambda: telephone.call)
        since_s = time.monotonic()
        stopping = asyncio.create_task(ann.wait_until_heard(telephone.scene.parley.id, since_s=since_s, audible_ms=200))
        signal.raise_signal(signal.SIGTERM)
        await stopping
        assert await telephone.over(telephone.last(telephone.scene.ann, telephone.scene.parley)) == "Hangup"
        await telephone.scene.until(lambda: ann.phone.peer_id is None)


async def cannot_phone() -> None:
    """What the people of the loopback are told by Parley's refusals."""
    async with a_telephone(auto_answer_from="nobody") as telephone:
        bob = await telephone.person(telephone.scene.bob)
        with pytest.raises(CallFailed) as refusal:
            await bob.call(telephone.scene.parley.id)
        assert refusal.value.how == "busy"


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
    sys.stdout.flush()
    os._exit(0)
