"""What every brain is to the rest of the house."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation as the model sees it; ``speaker`` is the display name of who said it."""

    role: Role
    text: str
    speaker: str | None = None


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

    def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """The reply in pieces of text as they come. Closing the generator, or cancelling its reader, stops the model.

        :raises errors.EngineError: unreachable, refused, or slower than the time-outs of the settings.
        """

    async def close(self) -> None:
        """Free everything: connections, processes, memory."""
