"""Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import Any, Final

from brain.engine import Message, Role
from brain.sse import StreamingService
from config import Settings
from errors import EngineError

API_VERSION: Final = "2023-06-01"
REPLY_TOKENS: Final = 300
_CALL_BEGINS: Final = "(The call begins.)"


class AnthropicBrain:
    """Streams replies from Anthropic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = settings.anthropic_api_key
        self._service = StreamingService(
            "Anthropic",
            settings.anthropic_base_url,
            {"anthropic-version": API_VERSION} | ({"x-api-key": key.get_secret_value()} if key else {}),
            settings_prefix="ANTHROPIC",
            silence_timeout_s=settings.brain_total_timeout_s,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self._settings.anthropic_model

    async def load(self) -> None:
        """Check the settings; the service itself is met at the first reply.

        :raises EngineError: there is no key.
        """
        if self._settings.anthropic_api_key is None:
            raise EngineError("Anthropic needs a key and ANTHROPIC_API_KEY is not set.", "Set it, or choose another brain with BRAIN.")

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Do nothing: the service keeps its own caches."""

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        body = {"model": self._settings.anthropic_model, "max_tokens": REPLY_TOKENS, "stream": True, **_dialogue(messages)}
        said = ended = False
        async with aclosing(self._service.stream("/v1/messages", body)) as events:
            async for event in events:
                ended = ended or event.get("type") in ("message_stop", "message")
                if piece := _text(event):
                    said = True
                    yield piece
        if not ended:
            raise self._service.failed("broke off its reply.")
        if not said:
            raise self._service.failed("sent an empty reply.")

    async def close(self) -> None:
        """Close all connections."""
        await self._service.close()


def _dialogue(messages: Sequence[Message]) -> dict[str, Any]:
    """The messages as the API wants them: instructions apart, the user first, speakers in turn, no message empty."""
    instructions = "\n".join(message.text for message in messages if message.role is Role.SYSTEM)
    spoken = [message for message in messages if message.role is not Role.SYSTEM and message.text.strip()]
    turns = [
        {"role": str(role), "content": "\n".join(part.text.strip() for part in parts)}
        for role, parts in groupby(spoken, lambda message: message.role)
    ]
    if not turns or turns[0]["role"] != str(Role.USER):
        turns.insert(0, {"role": str(Role.USER), "content": _CALL_BEGINS})
    return {"system": instructions, "messages": turns} if instructions else {"messages": turns}


def _text(event: dict[str, Any]) -> str:
    delta = event.get("delta")
    parts = [delta] if isinstance(delta, dict) and event.get("type") == "content_block_delta" else event.get("content")
    texts = (part.get("text") for part in parts or () if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
