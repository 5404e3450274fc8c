"""The natural flood limits: pure decisions from the times of requests.

Telegram publishes none. The waits are those that users of the real service report; the thresholds are guesses on the strict side.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from math import ceil
from typing import Final


@dataclass(frozen=True, slots=True)
class FloodRule:
    """``limit`` requests in ``window_s`` are let through; each further one costs the next of ``waits_s``, the last one for ever."""

    limit: int
    window_s: float
    waits_s: tuple[int, ...]


RULES: Final = {
    "phone.JoinGroupCall": FloodRule(3, 10.0, (3, 11, 38)),
    "channels.GetFullChannel": FloodRule(20, 60.0, (26,)),
    "messages.EditMessage": FloodRule(5, 15.0, (40,)),
    "contacts.ResolveUsername": FloodRule(20, 3600.0, (3600,)),
}
FORGIVEN_AFTER_S: Final = 300.0
"""After so long without a flood the waits begin anew."""


@dataclass(slots=True)
class _Meter:
    passed: deque[float] = field(default_factory=deque)
    floods: int = 0
    shut_until: float = 0.0


class FloodLimiter:
    """One meter per account and method."""

    def __init__(self, rules: dict[str, FloodRule] = RULES) -> None:
        self._rules = rules
        self._meters: defaultdict[tuple[int, str], _Meter] = defaultdict(_Meter)

    def wait_s(self, account_id: int, method: str, now: float) -> int | None:
        """The seconds to answer with FLOOD_WAIT, or None to let the request through."""
        rule = self._rules.get(method)
        if rule is None:
            return None
        meter = self._meters[account_id, method]
        if now < meter.shut_until:
            return ceil(meter.shut_until - now)
        while meter.passed and meter.passed[0] <= now - rule.window_s:
            meter.passed.popleft()
        if len(meter.passed) < rule.limit:
            meter.passed.append(now)
            return None
        return self._shut(meter, rule, now)

    @property
    def provoked(self) -> int:
        """How many floods there were lately, of everybody."""
        return sum(meter.floods for meter in self._meters.values())

    def clear(self) -> None:
        """Forgive everybody."""
        self._meters.clear()

    @staticmethod
    def _shut(meter: _Meter, rule: FloodRule, now: float) -> int:
        if now > meter.shut_until + FORGIVEN_AFTER_S:
            meter.floods = 0
        wait_s = rule.waits_s[min(meter.floods, len(rule.waits_s) - 1)]
        meter.floods += 1
        meter.shut_until = now + wait_s
        meter.passed.clear()
        return wait_s
