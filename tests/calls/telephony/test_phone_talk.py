"""Whole telephone conversations in virtual time, frame by frame as the carrier sends and plays them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio import mulaw
from calls import events
from calls.ending import End
from calls.telephony.phone_call import PhoneCall, PhoneWishes, Stage
from loopback.carrier.stream import CarrierStream, Heard, Weather
from tests.calls.stage import Clip, HearsClips
from tests.calls.telephony.exchange import ANN, Exchange, Wire, exchange, token_in
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

STORY = "Once upon a time there was a fox. It lived in a wood far away from here. It had a friend who was a bear. They walked a lot."
WISHES = PhoneWishes(opening="It is about the table for two.", purpose="Reserve a table.")


@pytest.fixture(scope="module")
def question() -> Clip:
    return Clip(*clip_named("lv_0880"))


class HearsAnything(HearsClips):
    """Recognises speech by its length alone: μ-law does not leave a clip as it was."""

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Any:
        return replace(await super().transcribe(pcm, language), text=self.clips[0].text)

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Any:
        return None


def audible_s(stream: CarrierStream) -> list[float]:
    return [heard.at_s for heard in stream.heard if loud(heard)]


def loud(heard: Heard) -> bool:
    return bool(np.abs(np.frombuffer(mulaw.decode(heard.packet), "<i2").astype(int)).max() > 300)


async def called(at: Exchange) -> PhoneCall:
    """A number has been called, and rings."""
    call = await at.phone.place(ANN, WISHES)
    assert await at.phone.status("CA1", "ringing", 1)
    assert call.stage is Stage.RINGING
    assert await at.phone.status("CA1", "in-progress", 2)
    return call


async def spoken(wire: Wire, at: Exchange) -> None:
    """The notice has been said, and heard to its end."""
    await asyncio.sleep(12)
    assert len(at.of(events.Announced)) == 1
    assert wire.stream.buffered_s == 0


def test_a_call_is_answered_with_a_notice_a_question_is_answered_and_both_hear_everything(question: Clip) -> None:
    async def run() -> None:
        async with exchange(HearsAnything([question])) as at:
            call = await called(at)
            async with at.line("CA1", at.carrier.token(), delay_s=0.05) as wire:
                await spoken(wire, at)
                assert call.stage is Stage.TALKING
                (notice,) = at.of(events.Announced)
                assert notice.text == notice.heard
                assert notice.text.startswith("Hello, this is Parley, an AI assistant")
                assert notice.text.endswith("It is about the table for two.")
                await asyncio.sleep(wire.stream.say(question.pcm) + 4)
                (exchanged,) = at.of(events.ExchangeEnded)
                assert (exchanged.heard, exchanged.reply_heard) == (question.text, "Yes. It is so.")
                assert "Reserve a table." in at.thinks.asked[0][0].text
                assert wire.stream.longest_buffer_s < 0.1
                assert wire.stream.garbled == []
                assert wire.stream.cleared == []
                assert set(wire.stream.played) == {str(n) for n in range(1, len(wire.stream.played) + 1)}
            assert call.guest is not None
            assert (await call.guest.over).end is End.HUNG_UP
            assert at.carrier.ended == []

    run_in_virtual_time(run())


@pytest.mark.parametrize("delay_s", [0.02, 0.15])
def test_a_barge_in_clears_what_the_carrier_holds_and_the_history_is_what_was_heard(question: Clip, delay_s: float) -> None:
    async def run() -> None:
        async with exchange(HearsAnything([question]), STORY) as at:
            await called(at)
            async with at.line("CA1", at.carrier.token(), delay_s=delay_s) as wire:
                await spoken(wire, at)
                await asyncio.sleep(wire.stream.say(question.pcm) + 4)
                began_s = asyncio.get_running_loop().time()
                await asyncio.sleep(wire.stream.say(question.pcm) + 0.5)
                (interrupted, *_) = at.of(events.Interrupted)
                cleared_s = wire.stream.clears_at_s[0]
                assert began_s < cleared_s < began_s + 1.2
                assert not [at_s for at_s in audible_s(wire.stream) if cleared_s < at_s < cleared_s + 0.8]
                heard_s = 0.02 * sum(1 for at_s in audible_s(wire.stream) if at_s < cleared_s and at_s > began_s - 4)
                told_s = 0.06 * len(interrupted.heard)
                assert 0 < told_s <= heard_s + 0.02
                assert told_s > heard_s - 0.8
                assert STORY.startswith(interrupted.heard)

    run_in_virtual_time(run())


def test_a_notice_that_was_spoken_over_is_said_again(question: Clip) -> None:
    async def run() -> None:
        async with exchange(HearsAnything([question])) as at:
            await called(at)
            async with at.line("CA1", at.carrier.token()) as wire:
                await asyncio.sleep(1)
                wire.stream.say(question.pcm)
                await asyncio.sleep(20)
                first, *_, again = at.of(events.Announced)
                assert not first.heard.startswith(again.text)
                assert first.text.startswith(again.text)
                assert again.heard == again.text
                assert at.of(events.ExchangeEnded)[-1].reply_heard == "Yes. It is so."

    run_in_virtual_time(run())


def test_loss_and_overtaking_leave_the_words(question: Clip) -> None:
    async def run() -> None:
        async with exchange(HearsAnything([question])) as at:
            await called(at)
            async with at.line("CA1", at.carrier.token(), Weather(lost=0.05, overtaken=0.1)) as wire:
                await spoken(wire, at)
                await asyncio.sleep(wire.stream.say(question.pcm) + 4)
                (exchanged,) = at.of(events.ExchangeEnded)
                assert exchanged.reply_heard == "Yes. It is so."
                assert at.hears.lengths_s[-1] == pytest.approx(question.seconds, abs=1.0)

    run_in_virtual_time(run())


def test_somebody_who_may_call_is_talked_with_and_keys_are_told() -> None:
    async def run() -> None:
        async with exchange() as at:
            markup = await at.phone.incoming("CAin", ANN)
            assert await at.phone.incoming("CAin", ANN) == markup
            async with at.line("CAin", token_in(markup)) as wire:
                await spoken(wire, at)
                assert at.of(events.Announced)[0].text.endswith("How can I help you?")
                for digit in "9#":
                    await wire.stream.press(digit)
                await asyncio.sleep(0.1)
                (call,) = at.phone.calls
                assert call.digits == "9#"
                assert [event.key for event in at.of(events.KeyPressed)] == ["9", "#"]
                assert await at.phone.hang_up() is call
                assert wire.closed
            assert call.stage is Stage.COMPLETED
            assert at.carrier.ended == ["CAin"]
            assert at.limits.settled[0] > 3

    run_in_virtual_time(run())


def test_a_call_that_lasts_too_long_is_taken_leave_of() -> None:
    async def run() -> None:
        async with exchange(phone_longest_s=30) as at:
            call = await called(at)
            async with at.line("CA1", at.carrier.token()) as wire:
                await asyncio.sleep(45)
                assert at.of(events.Announced)[-1].heard == "I have to go now. Good-bye."
                assert wire.stream.buffered_s == 0
                assert wire.closed
            assert call.stage is Stage.COMPLETED

    run_in_virtual_time(run())


def test_a_carrier_that_falls_silent_or_is_gone_ends_the_call() -> None:
    async def run() -> None:
        async with exchange() as at:
            call = await called(at)
            wire = Wire("CA1", at.carrier.token())
            serving = asyncio.create_task(at.phone.serve(wire))
            streaming = asyncio.create_task(wire.stream.run())
            await asyncio.sleep(5)
            streaming.cancel()
            await asyncio.sleep(15)
            assert not call.over
            await asyncio.sleep(10)
            assert call.over
            await asyncio.gather(serving, streaming, return_exceptions=True)

            second = await at.phone.place(ANN)
            async with at.line("CA2", at.carrier.token()) as wire:
                await asyncio.sleep(2)
                wire.cut()
                await asyncio.sleep(1)
                assert second.stage is Stage.COMPLETED

    run_in_virtual_time(run())
