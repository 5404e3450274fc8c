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
    """Nothing more just now. ``tell``: that has not been told in the last :data:`TOLD_AGAIN_AFTER_S`, to the person or (``everybody``:
    nobody in the chat is answered now) to the chat."""

    wait_s: int
    tell: bool
    everybody: bool = False


class Rates:
    """The buckets of everybody; those used least recently are forgotten beyond :data:`MOST_BUCKETS`."""

    def __init__(
        self, user_points: float = USER_POINTS, chat_points: float = CHAT_POINTS, full_again_after_s: float = FULL_AGAIN_AFTER_S
    ) -> None:
        self._user_points = user_points
        self._chat_points = chat_points
        self._full_again_after_s = full_again_after_s
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._told: OrderedDict[tuple[int, int | None], float] = OrderedDict()

    def spend(self, chat_id: int, user_id: int, cost: float, now_s: float, *, urgent: bool = False) -> TooMuch | None:
        """Take ``cost`` points from the person's bucket and from the chat's; None when both had them.

        What is ``urgent`` others cannot keep back.
        """
        user = self._bucket(("user", user_id), self._user_points, now_s)
        chat = self._bucket(("chat", chat_id), self._chat_points, now_s)
        if (wait_s := user.wait_s(cost, now_s)) > 0:
            return self.refuse(chat_id, user_id, wait_s, now_s)
        if (wait_s := chat.wait_s(cost, now_s)) > 0 and not urgent:
            return self.refuse(chat_id, None, wait_s, now_s)
        user.points -= cost
        chat.points = max(0.0, chat.points - cost)
        return None

    def refuse(self, chat_id: int, user_id: int | None, wait_s: float, now_s: float) -> TooMuch:
        """Nothing for this person in this chat for ``wait_s``; None: for nobody in it."""
        just_told = any(now_s - self._told.get((chat_id, who), -math.inf) < TOLD_AGAIN_AFTER_S for who in (user_id, None))
        if not just_told:
            self._told[chat_id, user_id] = now_s
            self._told.move_to_end((chat_id, user_id))
            if len(self._told) > MOST_BUCKETS:
                self._told.popitem(last=False)
        return TooMuch(max(1, math.ceil(wait_s)), not just_told, user_id is None)

    def _bucket(self, key: Hashable, capacity: float, now_s: float) -> Bucket:
        bucket = self._buckets.setdefault(key, Bucket(capacity, capacity, now_s, self._full_again_after_s))
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket
