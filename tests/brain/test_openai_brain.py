"""An OpenAI-compatible service as a brain: what it streams, and each way it can fail."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import aclosing
from typing import Any

import pytest

from brain.deadlines import BrainWithDeadlines
from brain.engine import Message, Role
from brain.openai import Accumulation, OpenAIBrain
from config import Settings, load_settings
from errors import EngineError
from tests.brain.language_service import LanguageService, event, openai_delta, openai_reply, serving

KEY = "sk-verysecretkey123"
PROMPT = [Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hello?", "Ann")]


def settings_for(url: str, **others: Any) -> Settings:
    return load_settings(None, openai_api_key=KEY, openai_base_url=f"{url}/v1", openai_model="small", **others)


async def reply_of(service: LanguageService, **others: Any) -> list[str]:
    async with serving(service):
        brain = OpenAIBrain(settings_for(service.url, **others))
        try:
            return [piece async for piece in brain.reply(PROMPT) if isinstance(piece, str)]
        finally:
            await brain.close()


async def test_streams_the_pieces_of_a_reply() -> None:
    service = LanguageService(openai_reply("Hello", ", Ann", "."))
    assert await reply_of(service) == ["Hello", ", Ann", "."]


async def test_asks_for_a_stream_with_model_key_and_messages() -> None:
    service = LanguageService(openai_reply("Hi"))
    await reply_of(service)
    asked = service.requests[0]
    assert (asked["model"], asked["stream"]) == ("small", True)
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
    assert service.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [": comment\n\n", openai_delta(None), openai_delta(""), *openai_reply("Hi", None, " you")], id="nulls and keep-alives"
        ),
        pytest.param(
            [event({"choices": []}), event({"choices": None}), event({"usage": None}), *openai_reply("Hi", " you")], id="no choices"
        ),
        pytest.param([event({"choices": [{"delta": None}]}), *openai_reply("Hi", " you")], id="null delta"),
        pytest.param(openai_reply("Hi", "Hi you", "Hi you"), id="cumulative"),
        pytest.param(openai_reply([{"type": "text", "text": "Hi"}], [{"type": "text", "text": " you"}]), id="parts"),
        pytest.param(["".join(openai_reply("Hi", " you")).replace("\n", "\r\n")], id="carriage returns in one chunk"),
        pytest.param([character for line in openai_reply("Hi", " you") for character in line], id="byte by byte"),
        pytest.param([openai_delta("Hi"), openai_delta(" you", "stop")], id="no DONE"),
        pytest.param([openai_delta("Hi"), openai_delta(" you"), "data: [DONE]"], id="no last line break"),
        pytest.param([line.replace("data: ", "data:") for line in openai_reply("Hi", " you")], id="no blank after data"),
    ],
)
async def test_understands_dialects(lines: list[str]) -> None:
    assert "".join(await reply_of(LanguageService(lines))) == "Hi you"


async def test_understands_a_reply_that_is_not_streamed() -> None:
    whole = json.dumps({"choices": [{"message": {"content": "Hi you"}, "finish_reason": "stop"}]})
    assert await reply_of(LanguageService([whole], content_type="application/json")) == ["Hi you"]


async def test_letters_split_between_chunks_stay_whole() -> None:
    raw = "".join(openai_reply("Привет")).encode()
    plain = 'data: {"choices":[{"delta":{"content":"Привет"}}]}\n\ndata: [DONE]\n\n'.encode()
    for lines in ([raw[:30], raw[30:]], [plain[i : i + 1] for i in range(len(plain))]):
        assert "".join(await reply_of(LanguageService(lines))) == "Привет"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, "refused the key (HTTP 401). Check OPENAI_API_KEY."),
        (403, {}, "refused the key (HTTP 403)"),
        (
            404,
            {"error": {"message": "The model small does not exist"}},
            "does not know the address or the model (HTTP 404) (The model small does",
        ),
        (429, {"error": {"message": "Rate limit reached"}}, "limits requests or has no credit left (HTTP 429) (Rate limit reached)"),
        (500, {"error": "oops"}, "failed inside (HTTP 500) (oops)"),
        (503, {}, "is overloaded (HTTP 503)"),
        (
            400,
            {"error": {"message": f"bad header {KEY} or Bearer abc"}},
            "refused the request (HTTP 400) (bad header (hidden) or (hidden))",
        ),
        (302, {}, "has moved (HTTP 302). Correct OPENAI_BASE_URL."),
    ],
)
async def test_says_why_it_was_refused_without_the_key(status: int, body: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as failure:
        await reply_of(LanguageService([json.dumps(body)], status=status, content_type="application/json"))
    assert said in str(failure.value)
    assert KEY not in str(failure.value)


async def test_a_web_page_instead_of_an_error_is_not_quoted() -> None:
    with pytest.raises(EngineError, match=r"failed inside \(HTTP 502\)\. Try again"):
        await reply_of(LanguageService(["<html>Bad gateway</html>"], status=502, content_type="text/html"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([openai_delta("Hi"), "data: {broken\n\n"], "sent something that is no reply"),
        (["<html>welcome</html>"], "broke off its reply"),
        ([event("[1, 2]")], "sent something that is no reply"),
        ([openai_delta("Hi"), event({"error": {"message": "out of memory"}})], "gave up in the middle: out of memory"),
        ([openai_delta("Hi")], "broke off its reply"),
        ([openai_delta(None, "stop"), event("[DONE]")], "sent an empty reply"),
        ([], "broke off its reply"),
    ],
)
async def test_says_what_was_wrong_with_the_stream(lines: list[str], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        await reply_of(LanguageService(lines))


async def test_a_connection_lost_in_the_middle_is_an_error_after_the_pieces() -> None:
    service = LanguageService([openai_delta("Hi")], cut=True)
    async with serving(service):
        brain = OpenAIBrain(settings_for(service.url))
        pieces = brain.reply(PROMPT)
        assert await anext(pieces) == "Hi"
        with pytest.raises(EngineError, match="broke off the connection"):
            await anext(pieces)
        await brain.close()


async def test_an_endless_line_is_an_error() -> None:
    with pytest.raises(EngineError, match="broke off"):
        await reply_of(LanguageService(["data: " + "x" * 300_000] * 4))


async def test_a_service_that_is_not_there_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        brain = OpenAIBrain(settings_for(url))
        with pytest.raises(EngineError, match=r"can't be reached at http://127\.0\.0\.1:\d+/v1\. Check OPENAI_BASE_URL"):
            await anext(brain.reply(PROMPT))
        await brain.close()


async def test_a_pooled_connection_that_went_stale_is_replaced() -> None:
    service = LanguageService(openai_reply("Hi"), drop_first=True)
    assert await reply_of(service) == ["Hi"]
    assert len(service.requests) == 2


async def test_a_service_that_opens_and_says_nothing_misses_the_deadline() -> None:
    service = LanguageService(hold=True)
    async with serving(service):
        brain = BrainWithDeadlines(OpenAIBrain(settings_for(service.url)), first_token_s=0.1, total_s=5)
        with pytest.raises(EngineError, match=r"small at 127\.0\.0\.1 did not begin its reply within 0\.1 s"):
            await anext(brain.reply(PROMPT))
        await service.left.wait()
        await brain.close()


async def test_a_service_that_falls_silent_altogether_is_given_up() -> None:
    gone = asyncio.Event()

    async def read_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(read_on, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        brain = OpenAIBrain(settings_for(url, brain_total_timeout_s=0.1))
        with pytest.raises(EngineError, match="fell silent"):
            await anext(brain.reply(PROMPT))
        await brain.close()
        await gone.wait()


async def test_closing_the_reply_closes_the_stream() -> None:
    service = LanguageService([openai_delta("Hi")], hold=True)
    async with serving(service):
        brain = OpenAIBrain(settings_for(service.url))
        async with aclosing(brain.reply(PROMPT)) as pieces:
            assert await anext(pieces) == "Hi"
        async with asyncio.timeout(30):
            await service.left.wait()
        await brain.close()


async def test_newer_models_are_asked_with_the_newer_limit() -> None:
    refusal = {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}}
    service = LanguageService([json.dumps(refusal)], statuses=[400], content_type="application/json")
    async with serving(service):
        brain = OpenAIBrain(settings_for(service.url))
        with pytest.raises(EngineError):
            await anext(brain.reply(PROMPT))
        service.lines, service.content_type = openai_reply("Hi"), "text/event-stream"
        assert [piece async for piece in brain.reply(PROMPT)] == ["Hi"]
        await brain.close()
    assert "max_completion_tokens" in service.requests[1]
    assert "max_completion_tokens" in service.requests[2]


async def test_openai_itself_needs_a_key_and_others_do_not() -> None:
    with pytest.raises(EngineError, match="OPENAI_API_KEY is not set"):
        await OpenAIBrain(load_settings(None)).load()
    await OpenAIBrain(load_settings(None, openai_base_url="http://127.0.0.1:1/v1")).load()
    await OpenAIBrain(load_settings(None, openai_api_key=KEY)).load()


def test_a_repeated_word_is_not_taken_for_a_repeated_text() -> None:
    text = Accumulation()
    assert [text.new_in(piece) for piece in ("A", "A", "nd", "And")] == ["A", "A", "nd", "And"]
