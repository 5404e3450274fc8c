"""One appointment of each kind, by the whole of Parley on the loopback Telegram. A118, A120, A122.

What is due is made within the second: somebody writes when, Parley calls.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from calls.drafting import Engines
from handlers.wording import say
from loopback.carrier.server import LoopbackCarrier
from loopback.carrier.server import Person as TelephoneOwner
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from tests.call_process import run_in_process
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.e2e.whole_parley import Scene, scene
from tests.free_ports import free_port

OPENING = "Good morning."


ACCOUNT = "AC" + "1" * 32
SECRET = "the secret of the account"
NUMBER = "+34612345678"


def telephone(carrier_url: str, port: int) -> dict[str, object]:
    """The settings of somebody with an account at the carrier."""
    return {
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": SecretStr(SECRET),
        "twilio_phone_number": "+34600000000",
        "twilio_api_url": carrier_url,
        "api_base_url": f"http://127.0.0.1:{port}",
        "phone_allowed_prefixes": "+34",
    }


def soon() -> str:
    """A time that is still to come when a busy machine takes the command."""
    return f"{datetime.now(UTC) + timedelta(seconds=8):%Y-%m-%dT%H:%M:%SZ}"


async def each_way() -> None:
    voice, port = ScriptedVoice(), free_port()
    engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), voice)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        carrier = await stack.enter_async_context(LoopbackCarrier(ACCOUNT, SECRET, "+34600000000", {NUMBER: TelephoneOwner()}))
        club = await stack.enter_async_context(scene(folder, engines, control_socket="none", http_port=port))
        club.settings = club.settings.model_copy(update={"owner_id": club.ann.id, **telephone(carrier.url, port)})
        club.telegram.add_contact(club.parley, club.bob)
        club.telegram.add_contact(club.bob, club.parley)
        pacer = await stack.enter_async_context(Pacer())
        bob = Person("Bob", club.telegram.session_for(club.bob), pacer)
        await bob.connect()
        stack.push_async_callback(bob.disconnect)
        async with club.running():
            await _all_four(club, bob, voice, carrier)


async def _all_four(club: Scene, bob: Person, voice: ScriptedVoice, carrier: LoopbackCarrier) -> None:
    telegram = club.telegram
    telegram.start_voice_chat(club.group, club.ann)
    telegram.enter_voice_chat(club.group, club.ann)
    assert (await club.command(f"/schedule {soon()} {OPENING} | Ask how everybody slept.")).startswith("✅")
    answering = asyncio.create_task(bob.answer_call(within_s=60.0))
    assert (await club.command(f"/schedule {soon()} private {bob.user_id} Hello Bob.")).startswith("✅")
    assert (await club.command(f"/schedule {soon()} browser Hello browser.")).startswith("✅")
    assert (await club.command(f"/schedule {soon()} phone {NUMBER} Hello phone. | Ask.")).startswith("✅")
    await club.until(lambda: club.is_in)
    await club.until(lambda: OPENING in voice.spoken)
    await answering
    await club.until(lambda: "Hello Bob." in voice.spoken)
    (link,) = await club.until(lambda: [text for text in club.told if text.startswith("🔗")])
    assert "Hello browser." in link
    assert "/call#" in link
    await club.until(lambda: "Hello phone." in voice.spoken)
    assert [call.number for call in carrier.calls] == [NUMBER]
    await club.command_until("/schedules", lambda left: left == say("en", "appointment.none"))  # what has begun has to be written down


def test_in_the_voice_chat_to_somebody_by_link_and_by_telephone() -> None:
    run_in_process(each_way, timeout_s=110)
