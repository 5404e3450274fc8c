"""Server salts: one per half hour, the one before still good. https://core.telegram.org/mtproto/description#server-salt."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Final

from telethon.tl import types as t

from loopback.mtproto.wire import Tl

PERIOD_S: Final = 1800


class Salts:
    """The salt of any moment, derived from one secret."""

    def __init__(self) -> None:
        self._secret = os.urandom(16)

    def rotate(self) -> None:
        """Make every salt handed out so far invalid at once."""
        self._secret = os.urandom(16)

    def at(self, time_s: float) -> int:
        """The salt that is current at ``time_s``."""
        return self._of_period(int(time_s // PERIOD_S))

    def accepts(self, salt: int, time_s: float) -> bool:
        """Whether ``salt`` is the current one or the one before."""
        period = int(time_s // PERIOD_S)
        return salt in (self._of_period(period), self._of_period(period - 1))

    def future(self, request_id: int, count: int, time_s: float) -> Tl:
        """The answer to ``get_future_salts``, 64 salts at most."""
        first = int(time_s // PERIOD_S)
        salts = [
            t.FutureSalt(period * PERIOD_S, (period + 2) * PERIOD_S, self._of_period(period))
            for period in range(first, first + max(1, min(count, 64)))
        ]
        return t.FutureSalts(request_id, int(time_s), salts)

    def _of_period(self, period: int) -> int:
        return int.from_bytes(sha256(self._secret + str(period).encode()).digest()[:8], "little", signed=True)
