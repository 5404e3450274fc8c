"""What commands ask of those who decide and remember elsewhere in the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Verdict(Protocol):
    """Whether the call of a chat would be joined now, and why (not): a text ``auto_join.why.<why>``."""

    @property
    def why(self) -> str:
        """The end of the key of the reason."""

    @property
    def fields(self) -> Mapping[str, object]:
        """What the reason mentions."""


class AutoJoin(Protocol):
    """What decides."""

    async def verdict(self, chat_id: int) -> Verdict:
        """What it would do now."""

    def look(self, chat_id: int) -> None:
        """Look at the chat at once, not at the next round."""


class Histories(Protocol):
    """What was said lately, in memory."""

    def clear(self, chat_id: int) -> int:
        """Forget a chat; how many exchanges that were."""

    def forget(self, speaker_id: int) -> int:
        """Forget what somebody said; how many exchanges that were."""
