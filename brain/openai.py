"""Any service with OpenAI's /chat/completions: OpenAI, Groq, vLLM, llama.cpp, Ollama and many more."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import urlsplit

from brain.engine import Message
from brain.sse import Refused, StreamingService
from config import Settings
from errors import EngineError

REPLY_TOKENS: Final = 300
_KEY_NEEDED_BY: Final = "api.openai.com"


class OpenAIBrain:
    """Streams replies from an OpenAI-compatible service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = settings.openai_api_key
        self._service = StreamingService(
            f"The service at {_host(settings)}",
            settings.openai_base_url,
            {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            settings_prefix="OPENAI",
            silence_timeout_s=settings.brain_total_timeout_s,
        )
        self._limit_name = "max_tokens"

    @property
    def name(self) -> str:
        """The model and where it runs."""
        return f"{self._settings.openai_model} at {_host(self._settings)}"

    async def load(self) -> None:
        """Check the settings; the service itself is met at the first reply.

        :raises EngineError: the service needs a key and there is none.
        """
        if self._settings.openai_api_key is None and _host(self._settings) == _KEY_NEEDED_BY:
            raise EngineError("OpenAI needs a key and OPENAI_API_KEY is not set.", "Set it, or choose another brain with BRAIN.")

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Do nothing: the service keeps its own caches."""

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """See :meth:`brain.engine.Brain.reply`."""
        try:
            async with aclosing(self._attempt(messages)) as pieces:
                async for piece in pieces:
                    yield piece
        except Refused as refusal:
            if refusal.status != 400 or "max_completion_tokens" not in refusal.complaint or self._limit_name == "max_completion_tokens":
                raise
            self._limit_name = "max_completion_tokens"
            async with aclosing(self._attempt(messages)) as pieces:
                async for piece in pieces:
                    yield piece

    async def close(self) -> None:
        """Close all connections."""
        await self._service.close()

    async def _attempt(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        body = {
            "model": self._settings.openai_model,
            "messages": [{"role": str(message.role), "content": message.text} for message in messages],
            "stream": True,
            self._limit_name: REPLY_TOKENS,
        }
        text = Accumulation()
        ended = False
        async with aclosing(self._service.stream("/chat/completions", body)) as events:
            async for event in events:
                choice = _first_choice(event)
                ended = ended or event.get("done") is True or bool(choice.get("finish_reason"))
                if piece := text.new_in(_content(choice)):
                    yield piece
        if not ended:
            raise self._service.failed("broke off its reply.")
        if not text.said:
            raise self._service.failed("sent an empty reply.")


class Accumulation:
    """What a reply says so far. Some services repeat the whole text in each delta instead of only what is new; both are understood."""

    def __init__(self) -> None:
        self.said = ""
        self._repeats: bool | None = None

    def new_in(self, content: str) -> str:
        """What ``content`` adds."""
        if self.said and content and self._repeats is None:
            self._repeats = len(self.said) > 1 and content.startswith(self.said) and len(content) > len(self.said)
        new = content[len(self.said) :] if self._repeats and content.startswith(self.said) else content
        self.said += new
        return new


def _host(settings: Settings) -> str:
    return urlsplit(settings.openai_base_url).hostname or settings.openai_base_url


def _first_choice(event: dict[str, Any]) -> dict[str, Any]:
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _content(choice: dict[str, Any]) -> str:
    holder = choice.get("delta") or choice.get("message") or {}
    content = holder.get("content") if isinstance(holder, dict) else None
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
