"""Anthropic's Messages API as a brain."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from brain.anthropic import AnthropicBrain
from brain.engine import Message, Role
from config import Settings, load_settings
from errors import EngineError
from tests.brain.language_service import LanguageService, anthropic_delta, anthropic_reply, event, serving

KEY = "sk-ant-verysecretkey123"
PROMPT = [Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Hello?", "Ann")]


def settings_for(url: str) -> Settings:
    return load_settings(None, anthropic_api_key=KEY, anthropic_base_url=url, anthropic_model="haiku")


async def reply_of(service: LanguageService, messages: list[Message] = PROMPT) -> str:
    async with serving(service):
        brain = AnthropicBrain(settings_for(service.url))
        try:
            return "|".join([piece async for piece in brain.reply(messages) if isinstance(piece, str)])
        finally:
            await brain.close()


async def test_streams_the_pieces_of_a_reply() -> None:
    service = LanguageService(anthropic_reply("Hello", ", Ann."))
    assert await reply_of(service) == "Hello|, Ann."
    assert service.headers[0]["x-api-key"] == KEY
    assert "anthropic-version" in service.headers[0]
    asked = service.requests[0]
    assert asked["system"] == "Be brief."
    assert asked["messages"] == [{"role": "user", "content": "Hello?"}]


async def test_speakers_take_turns_and_a_user_begins() -> None:
    service = LanguageService(anthropic_reply("Hi"))
    said = [
        (Role.ASSISTANT, "Welcome."),
        (Role.USER, "Ann: Hello."),
        (Role.USER, "Bob: Hi."),
        (Role.ASSISTANT, " "),
        (Role.USER, "Ann: So?"),
    ]
    await reply_of(service, [Message(role, text) for role, text in said])
    assert service.requests[0]["messages"] == [
        {"role": "user", "content": "(The call begins.)"},
        {"role": "assistant", "content": "Welcome."},
        {"role": "user", "content": "Ann: Hello.\nBob: Hi.\nAnn: So?"},
    ]
    assert "system" not in service.requests[0]


async def test_a_reply_that_is_not_streamed_is_understood() -> None:
    whole = json.dumps({"type": "message", "content": [{"type": "text", "text": "Hi you"}]})
    assert await reply_of(LanguageService([whole], content_type="application/json")) == "Hi you"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            {"error": {"type": "authentication_error", "message": f"invalid x-api-key {KEY}"}},
            "Anthropic refused the key (HTTP 401). Check ANTHROPIC_API_KEY.",
        ),
        (404, {"error": {"message": "model: haiku"}}, "does not know the address or the model (HTTP 404) (model: haiku)"),
        (429, {"error": {"message": "slow down"}}, "limits requests"),
        (529, {"error": {"type": "overloaded_error"}}, "is overloaded (HTTP 529) (overloaded_error)"),
    ],
)
async def test_says_why_it_was_refused_without_the_key(status: int, body: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as failure:
        await reply_of(LanguageService([json.dumps(body)], status=status, content_type="application/json"))
    assert said in str(failure.value)
    assert KEY not in str(failure.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [anthropic_delta("Hi"), event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})],
            "gave up in the middle: Overloaded",
        ),
        ([anthropic_delta("Hi")], "broke off its reply"),
        (anthropic_reply(), "sent an empty reply"),
        (["data: nonsense\n\n"], "sent something that is no reply"),
        (
            [event({"type": "content_block_delta", "delta": None}), event({"type": "content_block_delta", "delta": {"text": None}})],
            "broke off its reply",
        ),
    ],
)
async def test_says_what_was_wrong_with_the_stream(lines: list[str], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        await reply_of(LanguageService(lines))


async def test_closing_the_reply_closes_the_stream() -> None:
    service = LanguageService([anthropic_delta("Hi")], hold=True)
    async with serving(service):
        brain = AnthropicBrain(settings_for(service.url))
        async with aclosing(brain.reply(PROMPT)) as pieces:
            assert await anext(pieces) == "Hi"
        async with asyncio.timeout(30):
            await service.left.wait()
        await brain.close()


async def test_needs_a_key() -> None:
    with pytest.raises(EngineError, match="ANTHROPIC_API_KEY is not set"):
        await AnthropicBrain(load_settings(None)).load()
