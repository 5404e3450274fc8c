"""What the commands need of the calls."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from calls.gate_keeper import OnWait
from calls.reconciler import Outlook
from calls.speculation import Speculation
from calls.state import CallState


class CallManager(Protocol):
    """See :class:`calls.manager.CallManager`."""

    async def join(self, chat_id: int, title: str, requested_by: int, *, on_wait: OnWait) -> None:
        """Join the chat's voice chat; ``on_wait`` is told for how many seconds that has to wait, if it has to.

        :raises errors.ParleyError: it could not be joined; the text is for the chat.
        """

    async def leave(self, chat_id: int) -> bool:
        """Leave, or break off joining; false if there was nothing to leave."""

    async def speak(self, chat_id: int, text: str) -> bool:
        """Say something in the chat's call; whether any of it was heard."""

    async def manners_changed(self, chat_id: int) -> None:
        """Something was set for the chat that a call there may go by."""

    def state(self, chat_id: int) -> CallState:
        """Where the chat's call stands."""

    def outlook(self, chat_id: int) -> Outlook | None:
        """Of a call that is wanted though Parley is not in it just now."""

    @property
    def active(self) -> Collection[int]:
        """The chats with a call just now."""

    @property
    def wanted(self) -> Collection[int]:
        """The chats whose call is wanted, whether Parley is in it or not."""

    @property
    def speculation(self) -> Speculation:
        """How much was worked ahead of the ends of turns, over all calls."""
