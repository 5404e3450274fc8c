"""What clients have asked: bounded, for tests and reports to look at."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from loopback.mtproto.wire import Tl

MAX_REQUESTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request; ``account_id`` None before sign-in."""

    at: float
    account_id: int | None
    method: str
    request: Tl


class RequestLog:
    """The newest requests, oldest first."""

    def __init__(self, size: int = MAX_REQUESTS) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._requests)

    def note(self, at: float, account_id: int | None, method: str, request: Tl) -> None:
        """Add one."""
        self._requests.append(LoggedRequest(at, account_id, method, request))

    def seen(self, pattern: str = "*", account_id: int | None = None) -> list[LoggedRequest]:
        """Those whose method fits a glob such as ``phone.*``; of one account, or of all."""
        return [
            logged
            for logged in self._requests
            if fnmatchcase(logged.method, pattern) and (account_id is None or logged.account_id == account_id)
        ]

    def clear(self) -> None:
        """Forget everything."""
        self._requests.clear()
