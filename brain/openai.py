"""Any service with OpenAI's /chat/completions: OpenAI, Groq, vLLM, llama.cpp, Ollama and many more."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import urlsplit

from brain.engine import Message, Piece, without_tools
from brain.openai_wire import ToolCallDeltas, content_of, first_choice, wire_messages, wire_tools
from brain.sse import Complaint, StreamingService
from brain.tools import Tool
from config import Settings
from errors import EngineError

log = logging.getLogger(__name__)

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
        self._knows_tools = True

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

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See :meth:`brain.engine.Brain.reply`. What a service does not know is left out from then on."""
        while True:
            try:
                async with aclosing(self._attempt(messages, tools if self._knows_tools else ())) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except Complaint as complaint:
                if not self._gives_way_to(complaint, tools):
                    raise

    def _gives_way_to(self, complaint: Complaint, tools: Sequence[Tool]) -> bool:
        if complaint.status not in (400, 422):
            return False
        if "max_completion_tokens" in complaint.complaint and self._limit_name != "max_completion_tokens":
            self._limit_name = "max_completion_tokens"
            return True
        if tools and self._knows_tools and "tool" in complaint.complaint.lower():
            log.warning("%s knows no tools: %s", self.name, complaint.complaint)
            self._knows_tools = False
            return True
        return False

    async def close(self) -> None:
        """Close all connections."""
        await self._service.close()

    async def _attempt(self, messages: Sequence[Message], tools: Sequence[Tool]) -> AsyncGenerator[Piece, None]:
        body: dict[str, Any] = {
            "model": self._settings.openai_model,
            "messages": wire_messages(messages if tools else without_tools(messages)),
            "stream": True,
            self._limit_name: REPLY_TOKENS,
        }
        if tools:
            body["tools"] = wire_tools(tools)
        text, wanted = Accumulation(), ToolCallDeltas()
        ended = False
        async with aclosing(self._service.stream("/chat/completions", body)) as events:
            async for event in events:
                choice = first_choice(event)
                ended = ended or event.get("done") is True or bool(choice.get("finish_reason"))
                wanted.take(choice)
                if piece := text.new_in(content_of(choice)):
                    yield piece
        if not ended:
            raise self._service.failed("broke off its reply.")
        calls = wanted.calls if tools else []
        if not text.said and not calls:
            raise self._service.failed("sent an empty reply.")
        for call in calls:
            yield call


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
