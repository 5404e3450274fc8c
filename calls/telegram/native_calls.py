"""The native call library, asked for one thing at a time in each call.

Its functions work on threads of their own and go on there when whoever waits for them is cancelled. A call that is stopped while it is
being connected ends the whole process: WebRTC finds a sender in a call that it takes apart (``call.cc``, ``video_send_ssrcs_.empty()``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any


class NativeCalls:
    """Stands for ``native``, an ``ntgcalls.NTgCalls``, on the event loop that runs now.

    What is asked of one call, which is the first argument, begins when all that was asked of it before has ended, and runs to its end
    although whoever asked is cancelled. Different calls do not wait for each other.
    """

    def __init__(self, native: Any) -> None:
        self._native = native
        self._latest: dict[int, asyncio.Future[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._native, name)
        ask = partial(self._ask, function)
        self.__dict__[name] = ask
        return ask

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if not arguments or not isinstance(call_id := arguments[0], int):
            return function(*arguments)
        earlier = self._latest.get(call_id)
        work = asyncio.ensure_future(function(*arguments) if earlier is None else _afterwards(earlier, function, arguments))
        self._latest[call_id] = work
        work.add_done_callback(partial(self._forget, call_id))
        return asyncio.shield(work)

    def _forget(self, call_id: int, work: asyncio.Future[Any]) -> None:
        if self._latest.get(call_id) is work:
            del self._latest[call_id]


async def _afterwards(earlier: asyncio.Future[Any], function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> Any:
    await asyncio.wait([earlier])
    return await function(*arguments)
