"""How much may be asked: token buckets of severity points, one for each person and one for each chat."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

USER_POINTS: Final = 30.0
CHAT_POINTS: Final = 100.0
FULL_AGAIN_AFTER_S: Final = 60.0
TOLD_AGAIN_AFTER_S: Final = 30.0
MOST_BUCKETS: Final = 5000


@dataclass(slots=True)
class Bucket:
    """Holds up to ``capacity`` points and fills again within ``full_again_after_s``. Times are seconds of any steady clock."""

    capacity: float
    points: float
    at_s: float
    full_again_after_s: float = FULL_AGAIN_AFTER_S

    def wait_s(self, cost: float, now_s: float) -> float:
        """How long until ``cost`` points are there; 0 when they are."""
        per_s = self.capacity / self.full_again_after_s
        self.points = min(self.capacity, self.points + (now_s - self.at_s) * per_s)
        self.at_s = now_s
        return max(0.0, (min(cost, self.capacity) - self.points) / per_s)


@dataclass(frozen=True, slots=True)
class TooMuch:
    """Nothing more just now. ``tell``: the person has not been told so in the last :data:`TOLD_AGAIN_AFTER_S`."""

    wait_s: int
    tell: bool


class Rates:
    """The buckets of everybody; those used least recently are forgotten beyond :data:`MOST_BUCKETS`."""

    def __init__(
        self, user_points: float = USER_POINTS, chat_points: float = CHAT_POINTS, full_again_after_s: float = FULL_AGAIN_AFTER_S
    ) -> None:
        self._user_points = user_points
        self._chat_points = chat_points
        self._full_again_after_s = full_again_after_s
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._told: OrderedDict[tuple[int, int], float] = OrderedDict()

    def spend(self, chat_id: int, user_id: int, cost: float, now_s: float) -> TooMuch | None:
        """Take ``cost`` points from the person's bucket and from the chat's; None when both had them."""
        buckets = (self._bucket(("user", user_id), self._user_points, now_s), self._bucket(("chat", chat_id), self._chat_points, now_s))
        wait_s = max(bucket.wait_s(cost, now_s) for bucket in buckets)
        if wait_s > 0:
            return self.refuse(chat_id, user_id, wait_s, now_s)
        for bucket in buckets:
            bucket.points -= cost
        return None

    def refuse(self, chat_id: int, user_id: int, wait_s: float, now_s: float) -> TooMuch:
        """Nothing for this person in this chat for ``wait_s``."""
        told_at_s = self._told.get((chat_id, user_id), -math.inf)
        tell = now_s - told_at_s >= TOLD_AGAIN_AFTER_S
        if tell:
            self._told[chat_id, user_id] = now_s
            self._told.move_to_end((chat_id, user_id))
            if len(self._told) > MOST_BUCKETS:
                self._told.popitem(last=False)
        return TooMuch(max(1, math.ceil(wait_s)), tell)

    def _bucket(self, key: Hashable, capacity: float, now_s: float) -> Bucket:
        bucket = self._buckets.setdefault(key, Bucket(capacity, capacity, now_s, self._full_again_after_s))
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket
