"""``/tts…`` and ``/stt…``: what is set is told, to everybody; it is set by those who manage calls. A31, A86, A.17.4-7, A.17.15."""

from __future__ import annotations

from collections import deque

import pytest

from calls.state import CallState, PublicState
from handlers.wording import say
from tests.handlers.desk import BOB, GROUP, Desk


async def test_a31_everybody_may_ask_with_which_voice_it_speaks(desk: Desk) -> None:
    voice = desk.services.voice_name
    assert await desk.say("/ttsstatus", by=BOB) == f"Speaking: on\nEngine: {voice}\nVoice: as usual\nRate: +0%"
    await desk.say("/ttsconfig en-GB-RyanNeural -10%")
    await desk.say("/ttsoff")
    assert await desk.say("/ttsstatus", by=BOB) == f"Speaking: off\nEngine: {voice}\nVoice: en-GB-RyanNeural\nRate: -10%"


async def test_a31_everybody_may_ask_in_which_language_it_hears_and_with_which_model(desk: Desk) -> None:
    model = desk.services.hearing_name
    assert await desk.say("/sttstatus", by=BOB) == f"Hearing: on\nModel: {model}, loaded\nLanguage: {desk.services.settings.language}"
    await desk.say("/sttconfig ca")
    await desk.say("/sttoff")
    assert await desk.say("/sttstatus", by=BOB) == say("ca", "stt.status", state=say("ca", "off"), engine=model, language="ca")


@pytest.mark.parametrize("command", ["/ttson", "/ttsoff", "/ttsconfig +10%", "/stton", "/sttoff", "/sttconfig ca"])
async def test_only_those_who_manage_calls_change_it(desk: Desk, command: str) -> None:
    before = await desk.services.chat(GROUP)
    assert await desk.say(command, by=BOB) == say("en", "refused.call_manager", command=command.split()[0])
    assert await desk.services.chat(GROUP) == before
    await desk.say(command)
    assert desk.manager.changed == [GROUP], "a running call does not know"


@pytest.mark.parametrize(("rate", "kept"), [("-50%", "-50%"), ("+100%", "+100%"), ("7%", "+7%"), ("0%", "+0%")])
async def test_a86_the_rate_goes_from_half_to_double(desk: Desk, rate: str, kept: str) -> None:
    await desk.say(f"/ttsconfig {rate}")
    assert (await desk.services.chat(GROUP)).rate == kept


async def test_callstatus_tells_what_is_set_and_what_has_happened(desk: Desk) -> None:
    desk.manager.states[GROUP] = CallState(state=PublicState.JOINED, transcript=deque(["Ann: hello", "Bob: hi"]), error_count=3)
    await desk.say("/callon")
    await desk.say("/callquiet 22:00 08:00")
    assert str(await desk.say("/callstatus")).splitlines() == [
        "📞 Joining by myself",
        "Enabled: yes",
        "Min Participants: 2",
        "Quiet Hours: 22:00–08:00 (UTC)",
        "Transcript lines: 2",
        "Errors: 3",
    ]


async def test_reset_forgets_what_was_talked_about(desk: Desk) -> None:
    assert await desk.say("/reset", by=BOB) == say("en", "refused.call_manager", command="/reset")
    assert desk.histories.cleared == []
    assert await desk.say("/reset") == say("en", "reset")
    assert desk.histories.cleared == [GROUP]
