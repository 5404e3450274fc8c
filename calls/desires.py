"""Which calls Parley should be in, as the manager needs it kept; and a keeper that forgets everything with the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from storage.desired import WantedCall

__all__ = ["DesiredStore", "MemoryDesires", "WantedCall"]


class DesiredStore(Protocol):
    """Keeps what is wanted over a restart. No method raises: a disk that fails must not cost a call. Times are seconds since the epoch."""

    async def want(self, call: WantedCall) -> None:
        """This call is wanted from now on."""

    async def unwant(self, chat_id: int) -> None:
        """No call is wanted in this chat."""

    async def wanted(self) -> Sequence[WantedCall]:
        """All that is wanted."""

    async def note_failure(self, chat_id: int, failures: int, paused_until: float | None) -> None:
        """So many attempts have failed in a row; there are no more before that time."""

    async def left_by_hand(self, chat_id: int, voice_chat_id: int, at: float) -> None:
        """Somebody sent Parley out of this voice chat."""

    async def was_left_by_hand(self, chat_id: int, voice_chat_id: int) -> bool:
        """Whether somebody did."""

    async def note_error(self, chat_id: int, what: str, at: float) -> None:
        """Something went wrong with the chat's call."""

    async def last_error_at(self, chat_id: int) -> float | None:
        """When something last did; ``None``: never."""

    async def disable(self, chat_id: int, reason: str) -> None:
        """Do nothing in this chat until somebody asks for a call there; an empty reason lifts it."""


class MemoryDesires:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self.calls: dict[int, WantedCall] = {}
        self.sent_away: dict[int, int] = {}
        self.errors: dict[int, float] = {}
        self.disabled: dict[int, str] = {}

    async def want(self, call: WantedCall) -> None:
        """See :class:`DesiredStore`."""
        self.calls[call.chat_id] = call

    async def unwant(self, chat_id: int) -> None:
        """See :class:`DesiredStore`."""
        self.calls.pop(chat_id, None)

    async def wanted(self) -> Sequence[WantedCall]:
        """See :class:`DesiredStore`."""
        return tuple(self.calls.values())

    async def note_failure(self, chat_id: int, failures: int, paused_until: float | None) -> None:
        """See :class:`DesiredStore`."""
        if call := self.calls.get(chat_id):
            self.calls[chat_id] = replace(call, paused_until=paused_until, failures=failures)

    async def left_by_hand(self, chat_id: int, voice_chat_id: int, at: float) -> None:
        """See :class:`DesiredStore`."""
        self.sent_away[chat_id] = voice_chat_id

    async def was_left_by_hand(self, chat_id: int, voice_chat_id: int) -> bool:
        """See :class:`DesiredStore`."""
        return self.sent_away.get(chat_id) == voice_chat_id

    async def note_error(self, chat_id: int, what: str, at: float) -> None:
        """See :class:`DesiredStore`."""
        self.errors[chat_id] = at

    async def last_error_at(self, chat_id: int) -> float | None:
        """See :class:`DesiredStore`."""
        return self.errors.get(chat_id)

    async def disable(self, chat_id: int, reason: str) -> None:
        """See :class:`DesiredStore`."""
        self.disabled[chat_id] = reason
