"""What every brain is to the rest of the house."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from brain.tools import Tool, ToolCall, ToolUse


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation as the model sees it; ``speaker`` is the display name of who said it.

    ``uses`` are the tools that the assistant used at the end of its message, with their results.
    """

    role: Role
    text: str
    speaker: str | None = None
    uses: tuple[ToolUse, ...] = ()


def without_tools(messages: Iterable[Message]) -> list[Message]:
    """The messages for who has no tools: what was looked up is left out."""
    return [replace(message, uses=()) if message.uses else message for message in messages if message.text or not message.uses]


Piece = str | ToolCall
"""Of a reply: more of its text, or the wish to use a tool."""


class Brain(Protocol):
    """A language model shared by all calls."""

    @property
    def name(self) -> str:
        """What logs and ``/callinfo`` call it, such as ``embedded qwen2.5-coder-0.5b``."""

    async def load(self) -> None:
        """Make ready.

        :raises errors.ModelMissing: no model on disk.
        :raises errors.EngineError: it cannot work here (no key, wrong address).
        """

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Read ``messages`` ahead of time so that a reply to them plus one more message starts sooner. May do nothing."""

    def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """The reply in pieces as they come. Closing the generator, or cancelling its reader, stops the model.

        It may end in calls of some of the ``tools``; nothing is run here. A brain that can't use tools ignores them.

        :raises errors.EngineError: unreachable, refused, or slower than the time-outs of the settings.
        """

    async def close(self) -> None:
        """Free everything: connections, processes, memory."""
