"""Faults on demand: requests that fail, flood or hang."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf

from loopback.mtproto.wire import RpcFailure


@dataclass(slots=True)
class Fault:
    """What happens to the next ``times`` requests that fit ``pattern`` (of one account, or of all)."""

    pattern: str
    account_id: int | None
    times: float
    failure: RpcFailure | None = None
    delay_s: float = 0.0

    def hits(self, method: str, account_id: int | None) -> bool:
        """Whether a request is one of them."""
        return self.times > 0 and self.account_id in (None, account_id) and fnmatchcase(method, self.pattern)


class Faults:
    """The faults that wait for their requests. ``times=inf`` lasts until :meth:`clear`."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(self, pattern: str, code: int, message: str, *, times: float = 1, account_id: int | None = None) -> None:
        """Answer with an error."""
        self._faults.append(Fault(pattern, account_id, times, RpcFailure(code, message)))

    def flood(self, pattern: str, seconds: int, *, times: float = 1, account_id: int | None = None) -> None:
        """Answer FLOOD_WAIT."""
        self.fail(pattern, 420, f"FLOOD_WAIT_{seconds}", times=times, account_id=account_id)

    def delay(self, pattern: str, seconds: float = inf, *, times: float = 1, account_id: int | None = None) -> None:
        """Answer late, or (by default) never."""
        self._faults.append(Fault(pattern, account_id, times, delay_s=seconds))

    def clear(self) -> None:
        """Lift all faults; requests that hang already go on hanging."""
        self._faults.clear()

    async def strike(self, method: str, account_id: int | None) -> None:
        """Do to a request what waits for it.

        :raises RpcFailure: a fault says so.
        """
        for fault in [fault for fault in self._faults if fault.hits(method, account_id)]:
            fault.times -= 1
            if fault.times <= 0 and fault in self._faults:
                self._faults.remove(fault)
            if fault.failure is not None:
                raise fault.failure
            if fault.delay_s == inf:
                await asyncio.Event().wait()
            await asyncio.sleep(fault.delay_s)
