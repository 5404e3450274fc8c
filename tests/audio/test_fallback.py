from __future__ import annotations

from contextlib import aclosing

import pytest

from audio.stt.fallback import FallbackSpeechToText
from audio.tts import Voice
from audio.tts.fallback import FallbackTextToSpeech
from engines import EngineOrder, Part
from engines.order import REST_S
from errors import EngineError, ModelMissing
from tests.audio.engines import ScriptedHearing, ScriptedVoice

BROKEN = EngineError("It broke.")


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def said(engine: FallbackTextToSpeech, text: str = "Hello.") -> list[bytes]:
    async with aclosing(engine.synthesize(text, Voice())) as sound:
        return [piece async for piece in sound]


# ---- hearing


async def test_when_the_first_fails_the_second_hears() -> None:
    first, second = ScriptedHearing("a", BROKEN), ScriptedHearing("b", "hello")

    assert (await FallbackSpeechToText([first, second], 1.0).transcribe(b"")).text == "hello"


async def test_an_engine_that_is_too_slow_is_left() -> None:
    first, second = ScriptedHearing("a", None), ScriptedHearing("b", "hello")

    assert (await FallbackSpeechToText([first, second], 0.01).transcribe(b"")).text == "hello"


async def test_one_that_failed_is_asked_last_for_a_while() -> None:
    clock = Clock()
    first, second = ScriptedHearing("a", BROKEN, "from a"), ScriptedHearing("b", "one", "two")
    engine = FallbackSpeechToText([first, second], 1.0, clock)

    await engine.transcribe(b"")
    await engine.transcribe(b"")
    assert (first.asked, second.asked) == (1, 2)

    clock.now_s += REST_S
    assert (await engine.transcribe(b"")).text == "from a"


async def test_when_all_fail_the_error_tells_of_each() -> None:
    engine = FallbackSpeechToText([ScriptedHearing("a", BROKEN), ScriptedHearing("b", None)], 0.01)

    with pytest.raises(EngineError) as failed:
        await engine.transcribe(b"")

    assert str(failed.value) == "Nothing could turn the speech into text: It broke. b gave no words within 0.01 s."


# ---- loading


async def test_an_engine_that_can_not_be_loaded_is_left_out() -> None:
    good = ScriptedHearing("b", "hello")
    engine = FallbackSpeechToText([ScriptedHearing("a", load_error=ModelMissing("No model.")), good], 1.0)

    await engine.load()

    assert engine.name == "b"
    assert (await engine.transcribe(b"")).text == "hello"
    await engine.close()
    assert good.closed


async def test_when_none_can_be_loaded_the_first_reason_is_told() -> None:
    engines = [ScriptedHearing(name, load_error=ModelMissing(f"No {name}.")) for name in "ab"]

    with pytest.raises(ModelMissing, match=r"No a\."):
        await FallbackSpeechToText(engines, 1.0).load()


def test_an_order_of_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="At least one engine"):
        EngineOrder(Part.HEARING, [])


# ---- speaking


async def test_the_first_voice_speaks_when_all_is_well() -> None:
    first, second = ScriptedVoice("a", [b"1", b"2"]), ScriptedVoice("b", [b"3"])
    engine = FallbackTextToSpeech([first, second], 1.0)

    assert await said(engine) == [b"1", b"2"]
    assert engine.name == "a"
    assert second.asked == []


@pytest.mark.parametrize("trouble", [BROKEN, None], ids=["breaks", "is silent"])
async def test_a_voice_that_does_not_begin_is_left_for_the_next(trouble: EngineError | None) -> None:
    first, second = ScriptedVoice("a", [trouble]), ScriptedVoice("b", [b"3"])
    engine = FallbackTextToSpeech([first, second], 0.01)

    assert await said(engine) == [b"3"]
    assert first.ended == 1
    assert await said(engine) == [b"3"]
    assert len(first.asked) == 1


async def test_a_voice_that_breaks_in_the_middle_is_not_repeated_by_another() -> None:
    first, second = ScriptedVoice("a", [b"1", BROKEN]), ScriptedVoice("b", [b"3"])
    engine = FallbackTextToSpeech([first, second], 1.0)
    sound = engine.synthesize("Hello.", Voice())

    assert await anext(sound) == b"1"
    with pytest.raises(EngineError, match=r"It broke\."):
        await anext(sound)

    assert second.asked == []
    assert await said(engine) == [b"3"]


async def test_closing_early_stops_the_voice_at_once() -> None:
    voice = ScriptedVoice("a", [b"1", b"2"])
    sound = FallbackTextToSpeech([voice], 1.0).synthesize("Hello.", Voice())

    await anext(sound)
    await sound.aclose()

    assert voice.ended == 1


async def test_a_clause_with_nothing_to_be_heard_is_no_failure() -> None:
    engine = FallbackTextToSpeech([ScriptedVoice("a", []), ScriptedVoice("b", [b"3"])], 1.0)

    assert await said(engine, "...") == []


async def test_when_no_voice_works_the_error_tells_of_each() -> None:
    engine = FallbackTextToSpeech([ScriptedVoice("a", [BROKEN]), ScriptedVoice("b", [None])], 0.01)

    with pytest.raises(EngineError) as failed:
        await said(engine)

    assert str(failed.value) == "No voice could say it: It broke. b gave no sound within 0.01 s."
