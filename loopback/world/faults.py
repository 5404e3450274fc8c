"""Faults on demand: requests that fail, flood or hang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import ceil, inf

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.chats import Chat

REMAINING = "{left}"
"""In the text of a failure: the seconds until the fault is over, never below 1."""


@dataclass(slots=True)
class Fault:
    """What happens to the next ``times`` requests that fit one of ``patterns`` (of one account, about one chat, or all).

    It is over at ``until``. ``name`` is what it can be lifted by.
    """

    patterns: tuple[str, ...]
    account_id: int | None = None
    chat: Chat | None = None
    times: float = 1
    failure: RpcFailure | None = None
    delay_s: float = 0.0
    until: float = inf
    name: str = ""

    def hits(self, method: str, account_id: int | None, request: Tl, now: float) -> bool:
        """Whether a request is one of them."""
        fits = any(fnmatchcase(method, pattern) for pattern in self.patterns)
        concerned = self.chat is None or concerns(request, self.chat)
        return self.times > 0 and now < self.until and self.account_id in (None, account_id) and fits and concerned

    def raise_failure(self, now: float) -> None:
        """Answer with the error, if this is about one.

        :raises RpcFailure: it is.
        """
        if self.failure is not None:
            left_s = max(1, ceil(self.until - now)) if self.until < inf else 1
            raise RpcFailure(self.failure.code, self.failure.message.replace(REMAINING, str(left_s)))


class Faults:
    """The faults that wait for their requests. ``times=inf`` lasts until :meth:`clear` or :meth:`lift`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        self._faults.append(fault)

    def fail(
        self, pattern: str, code: int, message: str, *, times: float = 1, account_id: int | None = None, chat: Chat | None = None
    ) -> None:
        """Answer with an error."""
        self.add(Fault((pattern,), account_id, chat, times, RpcFailure(code, message)))

    def flood(self, pattern: str, seconds: int, *, times: float = 1, account_id: int | None = None, chat: Chat | None = None) -> None:
        """Answer FLOOD_WAIT."""
        self.fail(pattern, 420, f"FLOOD_WAIT_{seconds}", times=times, account_id=account_id, chat=chat)

    def delay(
        self, pattern: str, seconds: float = inf, *, times: float = 1, account_id: int | None = None, chat: Chat | None = None
    ) -> None:
        """Answer late, or (by default) never."""
        self.add(Fault((pattern,), account_id, chat, times, delay_s=seconds))

    def lift(self, name: str) -> int:
        """Lift the faults of one name; how many there were."""
        kept = [fault for fault in self._faults if fault.name != name]
        lifted = len(self._faults) - len(kept)
        self._faults = kept
        return lifted

    def clear(self) -> None:
        """Lift all faults; requests that hang already go on hanging."""
        self._faults.clear()

    async def strike(self, method: str, account_id: int | None, request: Tl) -> None:
        """Do to a request what waits for it.

        :raises RpcFailure: a fault says so.
        """
        now = self._now()
        for fault in [fault for fault in self._faults if fault.hits(method, account_id, request, now)]:
            fault.times -= 1
            if fault.times <= 0 and fault in self._faults:
                self._faults.remove(fault)
            fault.raise_failure(now)
            if fault.delay_s == inf:
                await asyncio.Event().wait()
            await asyncio.sleep(fault.delay_s)


def concerns(request: Tl, chat: Chat) -> bool:
    """Whether a request names a chat, or the voice chat that it has."""
    named = [getattr(request, name, None) for name in ("peer", "channel", "chat_id", "call")]
    named.append(getattr(getattr(request, "location", None), "call", None))
    return any(_names(value, chat) for value in named)


def _names(value: Tl, chat: Chat) -> bool:
    if isinstance(value, int):
        return chat.is_basic and value == chat.id
    if chat.call is not None and getattr(value, "access_hash", None) == chat.call.access_hash:
        return True
    return chat.id == getattr(value, "chat_id" if chat.is_basic else "channel_id", None)
