from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from audio.stt.openai import OpenAiSpeechToText
from audio.wav import read_wav
from errors import EngineError

PCM = b"\x01\x00" * 16_000


class Service:
    """An OpenAI-compatible transcription service that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[], web.Response] = lambda: web.json_response({"text": " Hello there. "})
        self.delay_s = 0.0
        self.asked: dict[str, Any] = {}

    async def handle(self, request: web.Request) -> web.Response:
        self.asked = {"key": request.headers.get("Authorization")}
        form = await request.post()
        for name, value in form.items():
            self.asked[name] = value.file.read() if isinstance(value, web.FileField) else value
        await asyncio.sleep(self.delay_s)
        return self.answer()


@pytest_asyncio.fixture
async def service() -> AsyncIterator[tuple[Service, str]]:
    service, app = Service(), web.Application()
    app.router.add_post("/v1/audio/transcriptions", service.handle)
    async with TestServer(app) as server:
        yield service, str(server.make_url("/v1"))


async def heard(url: str, **options: Any) -> Any:
    engine = OpenAiSpeechToText(url, model="whisper-1", **options)
    await engine.load()
    try:
        return await engine.transcribe(PCM, options.pop("language", "de"))
    finally:
        await engine.close()


async def test_the_sound_goes_as_wav_and_the_words_come_back(service: tuple[Service, str]) -> None:
    fake, url = service

    transcript = await heard(url + "/", key=SecretStr("sk-secret"))

    assert (transcript.text, transcript.language) == ("Hello there.", "de")
    assert (fake.asked["model"], fake.asked["language"], fake.asked["key"]) == ("whisper-1", "de", "Bearer sk-secret")
    sound = read_wav(fake.asked["file"])
    assert (sound.pcm, sound.rate_hz, sound.channels) == (PCM, 16_000, 1)


async def test_without_a_language_and_a_key_none_is_sent(service: tuple[Service, str]) -> None:
    fake, url = service
    engine = OpenAiSpeechToText(url, model="m")
    await engine.load()

    await engine.transcribe(PCM, "auto")
    await engine.close()

    assert fake.asked["key"] is None
    assert "language" not in fake.asked


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "refused the key (HTTP 401). Check STT_API_KEY."),
        (404, "There is no transcription service, or no model 'whisper-1', at"),
        (500, "failed (HTTP 500): out of memory"),
    ],
)
async def test_refusals_name_the_next_step_and_never_the_key(service: tuple[Service, str], status: int, text: str) -> None:
    fake, url = service
    fake.answer = lambda: web.Response(status=status, text="out of memory")

    with pytest.raises(EngineError) as failed:
        await heard(url, key=SecretStr("sk-secret"))

    assert text in str(failed.value)
    assert "sk-secret" not in str(failed.value)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", json.dumps({"error": "x"})])
async def test_an_answer_without_a_text_is_no_answer(service: tuple[Service, str], body: str) -> None:
    fake, url = service
    fake.answer = lambda: web.Response(text=body)

    with pytest.raises(EngineError, match=r"gave an answer without a text\. Does STT_URL end in /v1\?"):
        await heard(url)


async def test_a_slow_service_is_left_after_the_time_out(service: tuple[Service, str]) -> None:
    fake, url = service
    fake.delay_s = 5

    with pytest.raises(EngineError, match=r"gave no answer within 0\.1 s\."):
        await heard(url, timeout_s=0.1)


async def test_a_service_that_is_not_there() -> None:
    with pytest.raises(EngineError, match=r"at http://127\.0\.0\.1:9/v1 can't be reached: .* Check STT_URL, and that the service runs\."):
        await heard("http://127.0.0.1:9/v1")


async def test_not_loaded() -> None:
    with pytest.raises(EngineError, match=r"whisper-1 at http://localhost/v1 is not loaded\."):
        await OpenAiSpeechToText("http://localhost/v1", model="whisper-1").transcribe(PCM)
