"""One more attempt for an engine that gives nothing: begun while the first is still awaited, and whichever has something first wins.

Only for engines that run elsewhere. On this machine a second run would slow the first one down.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from errors import EngineError

RETRY_AT_SHARE: Final = 0.25
"""Of an engine's deadline: with nothing useful by then it is asked a second time."""
PASSING_STATUSES: Final = (408, 425)
"""HTTP refusals that may be over with the next request; so may all from 500 on."""

T = TypeVar("T")
OnRetry = Callable[[str], None]


class Refused(EngineError):
    """A service answered with an HTTP error."""

    def __init__(self, what: str, next_step: str, status: int) -> None:
        super().__init__(what, next_step)
        self.status = status


def retry_after_s(url: str, deadline_s: float) -> float | None:
    """When to ask the engine at ``url`` a second time; ``None``, never, where it runs on this machine."""
    return None if _is_here(urlsplit(url).hostname or "") else RETRY_AT_SHARE * deadline_s


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def first_of_two(attempt: Callable[[], Coroutine[Any, Any, T]], after_s: float, on_retry: OnRetry) -> T:
    """What ``attempt`` gives. It is made a second time when it has given nothing for ``after_s`` seconds, or has failed in a passing way.

    The other attempt is cancelled, and has ended on return. ``on_retry`` is told why there is a second one.

    :raises errors.EngineError: both failed, or the first did so for good.
    """
    running = {asyncio.create_task(attempt())}
    wait_s: float | None = after_s
    try:
        while True:
            done, running = await asyncio.wait(running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            failures = [failure for task in done if (failure := task.exception())]
            if len(failures) < len(done):
                return next(task.result() for task in done if not task.exception())
            if wait_s is not None and all(_may_pass(failure) for failure in failures):
                on_retry(str(failures[0]) if failures else f"Nothing came within {after_s:g} s.")
                running.add(asyncio.create_task(attempt()))
                wait_s = None
            elif failures and not running:
                raise failures[0]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _may_pass(failure: BaseException) -> bool:
    if isinstance(failure, Refused):
        return failure.status >= 500 or failure.status in PASSING_STATUSES
    return isinstance(failure, EngineError)


async def hedged(
    attempt: Callable[[], AsyncGenerator[T, None]], after_s: float, on_retry: OnRetry, is_useful: Callable[[T], bool] = bool
) -> AsyncGenerator[T, None]:
    """The pieces that ``attempt`` streams, from its first useful one on; :func:`first_of_two` says when it is made a second time.

    What fails after the first useful piece fails for good. Closing the generator closes the attempts.

    :raises errors.EngineError: both failed before their first useful piece, or the one that was first failed after it.
    """
    opened: list[AsyncGenerator[T, None]] = []

    async def begun() -> tuple[AsyncGenerator[T, None], list[T]]:
        pieces = attempt()
        opened.append(pieces)
        async for piece in pieces:
            if is_useful(piece):
                return pieces, [piece]
        return pieces, []

    try:
        winner, first = await first_of_two(begun, after_s, on_retry)
        for pieces in opened:
            if pieces is not winner:
                await pieces.aclose()
        for piece in first:
            yield piece
        async for piece in winner:
            yield piece
    finally:
        for pieces in opened:
            await pieces.aclose()
