"""Whose calls are taken, and what those are told whose calls are not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from calls.telephony import notice, twiml

TOLD_AGAIN_S: Final = 24 * 3600.0
MOST_TOLD: Final = 500


class Callers:
    """``allowed`` are numbers and beginnings of numbers; ``clock`` is monotonic."""

    def __init__(self, allowed: Collection[str], language: str, clock: Callable[[], float]) -> None:
        self._allowed = tuple(allowed)
        self._language = language
        self._clock = clock
        self._told: OrderedDict[str, float] = OrderedDict()

    def may_call(self, number: str) -> bool:
        """Whether a call from this number is taken."""
        return bool(self._allowed) and number.startswith(self._allowed)

    def refusal(self, number: str) -> str:
        """What the carrier is to do with the call of a stranger: say so once a day, which costs a minute, else not answer at all."""
        now_s = self._clock()
        if now_s - self._told.get(number, -TOLD_AGAIN_S) < TOLD_AGAIN_S or len(self._told) >= MOST_TOLD:
            self._forget(now_s)
            return twiml.reject()
        self._told[number] = now_s
        return twiml.say(notice.to_a_stranger(self._language), self._language)

    def _forget(self, now_s: float) -> None:
        while self._told and now_s - next(iter(self._told.values())) >= TOLD_AGAIN_S:
            self._told.popitem(last=False)
