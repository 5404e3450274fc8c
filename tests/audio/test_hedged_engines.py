"""Speech services that keep silent: asked once more, then replaced, and both is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from audio.stt import Transcript
from audio.stt.choose import choose_speech_to_text
from audio.stt.fallback import FallbackSpeechToText
from audio.stt.hedged import HedgedSpeechToText
from audio.tts import Voice
from audio.tts.fallback import FallbackTextToSpeech
from audio.tts.hedged import HedgedTextToSpeech
from config import load_settings
from engines import Part, Remedy, Trouble, listen_to_troubles
from errors import EngineError
from tests.calls.virtual_time import run_in_virtual_time


@dataclass
class Service:
    """Hears or says the same after each of ``delays_s``; a negative delay fails at once."""

    name: str
    delays_s: list[float]
    cancelled: int = 0
    closed: bool = False
    asked: list[str] = field(default_factory=list)

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return Transcript(await self._answer("words"))

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        yield (await self._answer(text)).encode()
        yield b" to the end"

    async def _answer(self, what: str) -> str:
        self.asked.append(what)
        delay_s = self.delays_s.pop(0)
        try:
            await asyncio.sleep(max(delay_s, 0.0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if delay_s < 0:
            raise EngineError(f"{self.name} broke.")
        return f"{what} by {self.name}"

    async def close(self) -> None:
        self.closed = True


def played(work: Coroutine[Any, Any, Any]) -> tuple[Any, list[Trouble]]:
    troubles: list[Trouble] = []

    async def listening() -> Any:
        listen_to_troubles(troubles.append)
        return await work

    return run_in_virtual_time(listening()), troubles


async def said(engine: FallbackTextToSpeech) -> bytes:
    async with aclosing(engine.synthesize("Hello.", Voice())) as sound:
        return b"".join([piece async for piece in sound])


def test_a_service_that_hangs_once_costs_a_quarter_of_its_deadline() -> None:
    service = Service("service", [100.0, 0.5])
    engine = FallbackSpeechToText([HedgedSpeechToText(service, 2.5), Service("local", [])], 10.0)
    heard, troubles = played(engine.transcribe(b""))
    assert heard.text == "words by service"
    assert service.cancelled == 1
    assert troubles == [Trouble(Part.HEARING, "service", "Nothing came within 2.5 s.", Remedy.RETRIED)]


def test_a_service_that_hangs_twice_is_replaced_at_its_deadline() -> None:
    service = Service("service", [100.0, 100.0])
    engine = FallbackSpeechToText([HedgedSpeechToText(service, 2.5), Service("local", [0.5])], 10.0)
    heard, troubles = played(engine.transcribe(b""))
    assert heard.text == "words by local"
    assert service.cancelled == 2
    assert [(trouble.remedy, trouble.by) for trouble in troubles] == [(Remedy.RETRIED, ""), (Remedy.REPLACED, "local")]
    assert troubles[1].what == "service gave no words within 10 s."


def test_a_voice_that_hangs_once_speaks_at_the_second_attempt() -> None:
    service = Service("service", [100.0, 0.2])
    engine = FallbackTextToSpeech([HedgedTextToSpeech(service, 1.25), Service("local", [])], 5.0)
    sound, troubles = played(said(engine))
    assert sound == b"Hello. by service to the end"
    assert [trouble.part for trouble in troubles] == [Part.SPEAKING]


def test_a_voice_that_breaks_twice_is_replaced() -> None:
    engine = FallbackTextToSpeech([HedgedTextToSpeech(Service("service", [-1.0, -1.0]), 1.25), Service("local", [0.2])], 5.0)
    sound, troubles = played(said(engine))
    assert sound == b"Hello. by local to the end"
    assert [trouble.what for trouble in troubles] == ["service broke.", "service broke."]


def test_without_a_listener_nobody_is_told() -> None:
    engine = FallbackSpeechToText([Service("a", [-1.0]), Service("b", [0.0])], 1.0)
    assert run_in_virtual_time(engine.transcribe(b"")).text == "words by b"


async def test_loading_and_closing_reach_the_engine() -> None:
    hearing, voice = Service("a", []), Service("b", [])
    await HedgedSpeechToText(hearing, 1.0).load()
    await HedgedSpeechToText(hearing, 1.0).close()
    await HedgedTextToSpeech(voice, 1.0).load()
    await HedgedTextToSpeech(voice, 1.0).close()
    assert hearing.closed
    assert voice.closed


def test_the_name_of_a_service_elsewhere_is_its_own() -> None:
    chosen = choose_speech_to_text(load_settings(None, stt_url="https://speech.example.org/v1"))
    assert chosen.name == "whisper-1 at https://speech.example.org/v1"
