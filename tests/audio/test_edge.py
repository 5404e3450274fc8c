from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from edge_tts.exceptions import NoAudioReceived

from audio.pcm import PLAYOUT_RATE_HZ, duration_s
from audio.tts import Voice
from audio.tts.edge import EdgeEngine
from errors import EngineError


def mp3(seconds: float) -> bytes:
    file = io.BytesIO()
    samples = np.concatenate([np.zeros(12_000), 9000 * np.sin(np.arange(int(seconds * 24_000)) / 8), np.zeros(12_000)]).astype("<i2")
    with av.open(file, "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=24_000)
        assert isinstance(stream, AudioStream)
        frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 24_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


class Service:
    """Edge's side of the connection: MP3 in small pieces, or an error."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self._data = data
        self._error = error
        self.asked: list[tuple[str, str, str]] = []
        self.sent = 0

    async def stream(self, text: str, voice: str, rate: str) -> AsyncGenerator[dict[str, Any], None]:
        self.asked.append((text, voice, rate))
        yield {"type": "WordBoundary", "text": text}
        for start in range(0, len(self._data), 720):
            self.sent += 1
            yield {"type": "audio", "data": self._data[start : start + 720]}
        if self._error:
            raise self._error


async def said(engine: EdgeEngine, text: str, voice: Voice) -> bytes:
    async with aclosing(engine.synthesize(text, voice)) as sound:
        return b"".join([piece async for piece in sound])


async def test_mp3_becomes_trimmed_sound() -> None:
    service = Service(mp3(1.0))
    engine = EdgeEngine("en-GB-RyanNeural", service.stream)
    await engine.load()

    pcm = await said(engine, "Hello there.", Voice(rate_percent=-5))
    await engine.close()

    assert service.asked == [("Hello there.", "en-GB-RyanNeural", "-5%")]
    assert duration_s(pcm, PLAYOUT_RATE_HZ) == pytest.approx(1.065, abs=0.03)
    assert engine.name == "edge en-GB-RyanNeural"


async def test_the_clause_may_name_another_voice() -> None:
    service = Service(mp3(0.2))

    await said(EdgeEngine("en-GB-RyanNeural", service.stream), "Hallo.", Voice(name="de-DE-KatjaNeural"))

    assert service.asked == [("Hallo.", "de-DE-KatjaNeural", "+0%")]


@pytest.mark.parametrize(
    ("usual", "language", "voice"),
    [
        ("en-GB-RyanNeural", "en", "en-GB-RyanNeural"),
        ("en-GB-RyanNeural", "ca", "ca-ES-EnricNeural"),
        ("ca-ES-JoanaNeural", "ca", "ca-ES-JoanaNeural"),
        ("en-US-AndrewMultilingualNeural", "ca", "en-US-AndrewMultilingualNeural"),
        ("en-GB-RyanNeural", "fi", "en-GB-RyanNeural"),
    ],
)
async def test_a_language_that_the_usual_voice_does_not_speak_has_one_of_its_own(usual: str, language: str, voice: str) -> None:
    service = Service(mp3(0.2))
    await said(EdgeEngine(usual, service.stream), "Hola a tothom!", Voice(language))
    assert service.asked == [("Hola a tothom!", voice, "+0%")]


async def test_sound_comes_before_the_stream_ends_and_closing_stops_it() -> None:
    service = Service(mp3(20.0))
    sound = EdgeEngine("v", service.stream).synthesize("Hello.", Voice())

    assert await anext(sound)
    await sound.aclose()

    assert service.sent < 30


async def test_nothing_to_say_asks_nobody() -> None:
    service = Service(b"")

    assert await said(EdgeEngine("v", service.stream), "…", Voice()) == b""
    assert service.asked == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (aiohttp.ClientConnectionError("no route"), "can't be reached: no route. It needs the internet; TTS_ENGINE=piper does not."),
        (OSError("network is down"), "can't be reached: network is down. It needs the internet; TTS_ENGINE=piper does not."),
        (NoAudioReceived("nothing came"), "failed: nothing came Is EDGE_TTS_VOICE the name of one of its voices?"),
        (ValueError("Invalid voice 'x'."), "failed: Invalid voice 'x'. Is EDGE_TTS_VOICE the name of one of its voices?"),
    ],
)
async def test_failures_are_told(error: Exception, text: str) -> None:
    with pytest.raises(EngineError) as failed:
        await said(EdgeEngine("v", Service(b"", error).stream), "Hello.", Voice())

    assert str(failed.value) == f"The Edge voice service {text}"


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>" * 50])
async def test_an_answer_without_sound_is_a_failure(data: bytes) -> None:
    with pytest.raises(EngineError, match=r"The Edge voice service sent no sound\. Try another EDGE_TTS_VOICE\."):
        await said(EdgeEngine("v", Service(data).stream), "Hello.", Voice())
