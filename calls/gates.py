"""The program's own limits on what it asks of Telegram, and what Telegram has told it to leave alone for a while.

Telegram publishes no limits; these lie below what people report to have been stopped at. Everything here is pure but :meth:`Gates.admit`.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from calls.errors import CallError, flood

HOUR_S: Final = 3600.0
JOIN_CALL: Final = "phone.JoinGroupCall"
FULL_CHAT: Final = "GetFullChat"
"""Groups, channels and basic groups alike."""
MOST_WAIT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``most`` within any ``within_s`` seconds."""

    most: int
    within_s: float


RATES: Final[Mapping[str, Rate]] = {
    JOIN_CALL: Rate(3, 10.5),
    FULL_CHAT: Rate(18, 61.0),
    "messages.SendMessage": Rate(30, 60.0),
    "messages.EditMessage": Rate(4, 15.5),
    "messages.SendMedia": Rate(20, 60.0),
}


@dataclass(frozen=True, slots=True)
class JoinLimits:
    """How often voice chats are joined; coming back to one whose connection broke does not count."""

    chat_pause_s: float = 10.0
    auto_per_chat: Rate = Rate(6, HOUR_S)
    per_account: Rate = Rate(20, HOUR_S)


NO_JOIN_LIMITS: Final = JoinLimits(0.0, Rate(1_000_000, 1.0), Rate(1_000_000, 1.0))


class JoinGate(StrEnum):
    """Which of the limits on joining is reached."""

    CHAT_PAUSE = "chat_pause"
    AUTO_PER_CHAT = "auto_per_chat"
    PER_ACCOUNT = "per_account"


@dataclass(slots=True)
class Window:
    """What was let through lately under one rate."""

    rate: Rate
    _passed: deque[float] = field(default_factory=deque)

    def wait_s(self, now_s: float, spare: int = 0) -> float:
        """How long until one more may pass with ``spare`` more to follow at once; 0: now."""
        while self._passed and self._passed[0] <= now_s - self.rate.within_s:
            self._passed.popleft()
        most = max(1, self.rate.most - spare)
        if len(self._passed) < most:
            return 0.0
        return self._passed[-most] + self.rate.within_s - now_s

    def take(self, now_s: float) -> None:
        """One passes."""
        self._passed.append(now_s)

    def give_back(self) -> None:
        """The newest has not passed after all."""
        if self._passed:
            self._passed.pop()

    @property
    def unused(self) -> bool:
        """Nothing has passed lately."""
        return not self._passed


class Gates:
    """The gates of one account. ``clock`` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float], limits: JoinLimits | None = None, rates: Mapping[str, Rate] = RATES) -> None:
        self._clock = clock
        self._limits = limits if limits is not None else JoinLimits()
        self._methods = {method: Window(rate) for method, rate in rates.items()}
        self._closed_until_s: dict[str, float] = {}
        self._joins = Window(self._limits.per_account)
        self._auto_joins: dict[int, Window] = {}
        self._last_join_s: dict[int, float] = {}
        self.floods: Counter[str] = Counter()
        """How often Telegram asked to be left alone for a while, by what was asked of it."""
        self.stopped: CallError | None = None
        """Why the account may not join anything any more."""

    # ---- requests

    def close(self, method: str, seconds: float) -> None:
        """Telegram asks not to send this for a while."""
        self.floods[method] += 1
        self._closed_until_s[method] = max(self._closed_until_s.get(method, 0.0), self._clock() + seconds)

    def closed_for_s(self, method: str) -> float:
        """How long Telegram still wants to be left alone with this; 0: not at all."""
        return max(0.0, self._closed_until_s.get(method, 0.0) - self._clock())

    def wait_s(self, method: str, spare: int = 0) -> float:
        """How long until this request may be sent, by Telegram's word and by our own limit, with ``spare`` more to follow at once."""
        window = self._methods.get(method)
        return max(self.closed_for_s(method), window.wait_s(self._clock(), spare) if window else 0.0)

    async def admit(self, method: str, most_wait_s: float = MOST_WAIT_S) -> None:
        """Wait until this request may be sent; it counts as sent.

        :raises calls.errors.CallError: that would take longer than ``most_wait_s``; it says how long.
        """
        while (wait_s := self.wait_s(method)) > 0:
            if wait_s > most_wait_s:
                raise flood(math.ceil(wait_s))
            await asyncio.sleep(wait_s)
        if window := self._methods.get(method):
            window.take(self._clock())

    def remember(self, method: str, ages_s: Sequence[float]) -> None:
        """So long ago requests of this kind were sent, the oldest first: by the process before this one."""
        if window := self._methods.get(method):
            for age_s in ages_s:
                window.take(self._clock() - age_s)

    def stop(self, why: CallError) -> None:
        """Nothing is joined and nothing is sent unasked from now on: Telegram has limited the account, or ended its session."""
        self.stopped = self.stopped or why

    # ---- joins

    def join_wait_s(self, chat_id: int, *, auto: bool) -> tuple[float, JoinGate] | None:
        """How long to wait before this chat's voice chat is joined, and because of which limit; ``None``: not at all."""
        now_s = self._clock()
        waits = {JoinGate.CHAT_PAUSE: self._last_join_s.get(chat_id, -math.inf) + self._limits.chat_pause_s - now_s}
        waits[JoinGate.PER_ACCOUNT] = self._joins.wait_s(now_s)
        if auto and (window := self._auto_joins.get(chat_id)):
            waits[JoinGate.AUTO_PER_CHAT] = window.wait_s(now_s)
        gate = max(waits, key=lambda each: waits[each])
        return (waits[gate], gate) if waits[gate] > 0 else None

    def joins(self, chat_id: int, *, auto: bool) -> None:
        """This chat's voice chat is joined now."""
        now_s = self._clock()
        self._forget_old(now_s)
        self._joins.take(now_s)
        self._last_join_s[chat_id] = now_s
        if auto:
            self._auto_joins.setdefault(chat_id, Window(self._limits.auto_per_chat)).take(now_s)

    def joined_nothing(self, chat_id: int, *, auto: bool) -> None:
        """There was nothing to join, so what :meth:`joins` was told does not count."""
        self._joins.give_back()
        self._last_join_s.pop(chat_id, None)
        if auto and (window := self._auto_joins.get(chat_id)):
            window.give_back()

    def _forget_old(self, now_s: float) -> None:
        self._last_join_s = {chat_id: at_s for chat_id, at_s in self._last_join_s.items() if now_s - at_s < self._limits.chat_pause_s}
        for window in self._auto_joins.values():
            window.wait_s(now_s)
        self._auto_joins = {chat_id: window for chat_id, window in self._auto_joins.items() if not window.unused}
