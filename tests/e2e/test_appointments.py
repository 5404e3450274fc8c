"""One appointment of each kind, by the whole of Parley on the loopback Telegram. A118, A120, A122.

What is due is made within the second: somebody writes when, Parley calls.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from unittest import mock

from aiohttp.test_utils import unused_port

from calls.drafting import Engines
from calls.telephony.phone_call import PhoneWishes
from handlers.wording import say
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from service import all_calls
from tests.call_process import run_in_process
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.e2e.whole_parley import Scene, scene

OPENING = "Good morning."


def soon() -> str:
    """A time that the command takes: a moment from now."""
    return f"{datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"


class Numbers:
    """Telephone calls that are answered at once."""

    def __init__(self) -> None:
        self.called: list[tuple[str, PhoneWishes | None]] = []
        self.calls = ()
        self.enabled = True

    async def call(self, written: str, wishes: PhoneWishes | None = None) -> None:
        self.called.append((written, wishes))

    async def drain(self) -> None: ...

    async def __aenter__(self) -> Numbers:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def each_way() -> None:
    voice, numbers = ScriptedVoice(), Numbers()
    engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), voice)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(mock.patch.object(all_calls, "telephoning", return_value=numbers))
        club = await stack.enter_async_context(scene(folder, engines, control_socket="none", http_port=unused_port()))
        club.settings = club.settings.model_copy(update={"owner_id": club.ann.id})
        club.telegram.add_contact(club.parley, club.bob)
        club.telegram.add_contact(club.bob, club.parley)
        pacer = await stack.enter_async_context(Pacer())
        bob = Person("Bob", club.telegram.session_for(club.bob), pacer)
        await bob.connect()
        stack.push_async_callback(bob.disconnect)
        async with club.running():
            await _all_four(club, bob, voice, numbers)


async def _all_four(club: Scene, bob: Person, voice: ScriptedVoice, numbers: Numbers) -> None:
    telegram = club.telegram
    telegram.start_voice_chat(club.group, club.ann)
    telegram.enter_voice_chat(club.group, club.ann)
    assert (await club.command(f"/schedule {soon()} {OPENING} | Ask how everybody slept.")).startswith("✅")
    answering = asyncio.create_task(bob.answer_call())
    assert (await club.command(f"/schedule {soon()} private {bob.user_id} Hello Bob.")).startswith("✅")
    assert (await club.command(f"/schedule {soon()} browser Hello browser.")).startswith("✅")
    assert (await club.command(f"/schedule {soon()} phone +34612345678 Hello phone. | Ask.")).startswith("✅")
    await club.until(lambda: club.is_in)
    await club.until(lambda: OPENING in voice.spoken)
    await asyncio.wait_for(answering, 15)
    await club.until(lambda: "Hello Bob." in voice.spoken)
    (link,) = await club.until(lambda: [text for text in club.told if text.startswith("🔗")])
    assert "Hello browser." in link
    assert "/call#" in link
    await club.until(lambda: numbers.called)
    assert numbers.called == [
        ("+34612345678", PhoneWishes(opening="Hello phone.", purpose="Ask.", chat_id=club.chat_id, language=None, longest_s=300.0))
    ]
    for _ in range(10):  # what has begun counts when that is written down
        if (left := await club.command("/schedules")) == say("en", "appointment.none"):
            break
        await asyncio.sleep(1.0)
    assert left == say("en", "appointment.none")


def test_in_the_voice_chat_to_somebody_by_link_and_by_telephone() -> None:
    run_in_process(each_way, timeout_s=60)
