"""Calls with a purpose: what is said first in them, what the brain is told, how long they may last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from calls.desires import WantedCall
from calls.manners import Manners


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a call is made. An empty ``opening`` leaves the welcome of the settings; ``longest_s`` ``None`` leaves the usual length."""

    opening: str = ""
    purpose: str = ""
    longest_s: float | None = None

    def applied(self, manners: Manners) -> Manners:
        """The manners of a call on this occasion."""
        return replace(
            manners,
            welcome=self.opening or manners.welcome,
            instructions=f"{manners.instructions} {self.purpose}".strip(),
            longest_call_s=manners.longest_call_s if self.longest_s is None else min(manners.longest_call_s, self.longest_s),
        )

    def kept(self, call: WantedCall) -> WantedCall:
        """The wanted call, which begins now on this occasion, with what of it is needed to go on later."""
        return replace(call, purpose=self.purpose, ends_at=None if self.longest_s is None else call.since + self.longest_s)


USUAL: Final = Occasion()
"""None in particular."""


def occasion_left(call: WantedCall, now: float) -> Occasion:
    """On what occasion a call that has begun before goes on at ``now``: what was to be said first in it was said then."""
    return Occasion("", call.purpose, None if call.ends_at is None else max(0.0, call.ends_at - now))


def is_over(call: WantedCall, now: float) -> bool:
    """The time that the call may last has passed."""
    return call.ends_at is not None and call.ends_at <= now
