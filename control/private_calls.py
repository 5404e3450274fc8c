"""What the control socket needs of private calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from calls.private_call import PrivateCall


class PrivateCalls(Protocol):
    """Phoning people and being phoned. A user id of ``None`` means the only call there is.

    Every method raises :class:`errors.ParleyError`, whose text is for people, when it cannot do what it is asked.
    """

    async def start(self, user: int | str) -> int:
        """Phone somebody, named by id or ``@name``; returns their id when they have answered."""

    async def accept(self, user_id: int | None) -> int:
        """Answer somebody who phones; returns their id when the call is connected."""

    async def reject(self, user_id: int | None) -> int:
        """Decline somebody who phones; returns their id."""

    async def hangup(self, user_id: int | None) -> int:
        """End a call, or stop phoning; returns whose it was."""

    async def speak(self, user_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Say something in the call with somebody; whether any of it was heard. As in :meth:`calls.manager.CallManager.speak`."""

    @property
    def calls(self) -> Sequence[PrivateCall]:
        """Those that have not ended."""
