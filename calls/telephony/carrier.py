"""What Parley asks of a telephone carrier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call to be placed: whom, what is to happen when it is answered, how long it may ring and last, where its news go."""

    number: str
    twiml: str
    ring_s: float
    longest_s: float
    status_url: str


class Carrier(Protocol):
    """Places telephone calls and ends them."""

    async def place(self, order: Order) -> str:
        """Have a number called; returns the carrier's id of the call, long before it is answered.

        :raises calls.errors.CallError: the carrier does not do it, or could not be reached.
        """

    async def hang_up(self, sid: str) -> None:
        """End a call, or stop calling.

        :raises calls.errors.CallError: the carrier does not do it, or could not be reached.
        """

    async def close(self) -> None:
        """Free everything."""
