"""What the bot says by itself: a welcome, a question into the silence, a good-bye."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from audio.tts import Voice
from calls import events
from calls.admission import Admission
from calls.call import GOOD_BYE
from calls.drafting import Engines
from calls.manager import CallManager
from calls.manners import Manners
from tests.calls.scripted_line import Lines
from tests.calls.stage import Clip, HearsClips, ScriptedBrain, ScriptedVoice, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named


def announced(stage: Stage) -> list[tuple[str, str]]:
    return [(event.text, event.heard) for event in stage.happened if isinstance(event, events.Announced)]


def test_a_welcome_is_said_once_and_known_to_the_brain() -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question], manners=replace(Manners(), welcome="Hello, everybody."))
    stage.say(4.0, question)
    run_in_virtual_time(stage.play(10))
    assert announced(stage) == [("Hello, everybody.", "Hello, everybody.")]
    assert len(stage.audible()) == 2
    assert "Hello, everybody." in [message.text for message in stage.thinks.asked[-1]]


def test_somebody_who_speaks_cuts_the_welcome_off() -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question], manners=replace(Manners(), welcome="Hello, everybody. " * 10))
    stage.say(2.0, question)
    run_in_virtual_time(stage.play(12))
    ((text, heard),) = announced(stage)
    assert len(heard) < len(text.strip())
    assert len(stage.exchanges()) == 1


def test_silence_is_asked_into_once_until_somebody_speaks() -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question], manners=replace(Manners(), idle_prompt="Are you still there?", idle_prompt_s=10.0))
    stage.say(40.0, question)
    run_in_virtual_time(stage.play(70))
    assert [text for text, _heard in announced(stage)] == ["Are you still there?"] * 2


def test_the_longest_call_ends_with_a_good_bye() -> None:
    happened: list[events.CallEvent] = []
    lines = Lines()

    async def manners_for(_chat_id: int) -> Manners:
        return replace(Manners(), longest_call_s=60.0, alone_s=None)

    async def work() -> None:
        bus = events.EventBus()
        bus.subscribe(happened.append)
        engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())
        async with CallManager(lines, engines, manners_for, bus, Admission(1)) as manager:
            await manager.join(-1, "", 1)
            await asyncio.sleep(75)
            assert manager.active == ()

    run_in_virtual_time(work())
    assert [event.reason for event in happened if isinstance(event, events.CallLeft)] == [
        "The call has lasted as long as one may. Send /joincall to go on."
    ]
    assert lines.made[0].closed == 1
    assert GOOD_BYE


class KeepsVoices(ScriptedVoice):
    languages: dict[str, str]

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        self.languages = getattr(self, "languages", {}) | {text: voice.language}
        async for pcm in super().synthesize(text, voice):
            yield pcm


def test_a_text_may_be_in_another_language_and_may_come_first() -> None:
    voice = KeepsVoices()
    stage = Stage([], speaks=voice)

    async def work() -> None:
        async def announce() -> None:
            await asyncio.sleep(1.0)
            for text in ("Now this.", "Then that."):
                stage.conversation.announce(text)
            await asyncio.sleep(0.3)
            await stage.conversation.announce("Hola a tothom!", "ca", first=True).wait()

        await asyncio.gather(stage.play(8), announce())

    run_in_virtual_time(work())
    assert announced(stage) == [(text, text) for text in ("Now this.", "Hola a tothom!", "Then that.")]
    assert voice.languages == {"Now this.": "en", "Hola a tothom!": "ca", "Then that.": "en"}
