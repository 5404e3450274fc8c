"""How often somebody may ask: buckets that fill up again evenly. Pure; time comes from outside."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_KNOWN: Final = 10_000
"""Of more askers than this, those who have not asked for longest are forgotten."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Limits:
    """Each asker may ask ``per_minute`` times at once, and as many times again in each minute."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._per_s = per_minute / 60
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def spend(self, who: str, now_s: float) -> int:
        """Ask once; 0: go on, else in how many seconds to ask again."""
        bucket = self._filled(who, now_s)
        if bucket.left < 1:
            return math.ceil((1 - bucket.left) / self._per_s)
        bucket.left -= 1
        return 0

    def wait_s(self, who: str, now_s: float) -> int:
        """What :meth:`spend` would say, without asking."""
        left = self._filled(who, now_s).left
        return 0 if left >= 1 else math.ceil((1 - left) / self._per_s)

    def _filled(self, who: str, now_s: float) -> _Bucket:
        bucket = self._buckets.setdefault(who, _Bucket(self._most, now_s))
        self._buckets.move_to_end(who)
        if len(self._buckets) > MOST_KNOWN:
            self._buckets.popitem(last=False)
        bucket.left = min(self._most, bucket.left + (now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        return bucket
