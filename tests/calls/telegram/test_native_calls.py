"""What is asked of one native call goes on in order; work that ends when the test says so stands in for the native library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from calls.telegram.native_calls import NativeCalls
from tests.calls.waiting import until

CALL, OTHER = -1001, -1002


class SlowNative:
    """Each piece of work begins when it is asked for and ends when :meth:`end` is called."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.callback: Callable[[int], None] | None = None
        self._work: dict[tuple[str, int], asyncio.Future[Any]] = {}

    def connect(self, call_id: int, _offer: str) -> asyncio.Future[Any]:
        return self._begin("connect", call_id)

    def stop(self, call_id: int) -> asyncio.Future[Any]:
        return self._begin("stop", call_id)

    async def calls(self) -> list[int]:
        return [call_id for _, call_id in self.begun]

    def on_frames(self, callback: Callable[[int], None]) -> None:
        self.callback = callback

    def _begin(self, name: str, call_id: int) -> asyncio.Future[Any]:
        self.begun.append((name, call_id))
        self._work[name, call_id] = asyncio.get_running_loop().create_future()
        return self._work[name, call_id]

    def end(self, name: str, call_id: int, outcome: str | Exception) -> None:
        work = self._work[name, call_id]
        if isinstance(outcome, Exception):
            work.set_exception(outcome)
        else:
            work.set_result(outcome)


async def test_a_call_is_not_stopped_before_its_connecting_has_ended_although_who_connected_was_cancelled() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    connecting = asyncio.create_task(_awaited(calls.connect(CALL, "offer")))
    await until(lambda: native.begun)
    connecting.cancel()
    await asyncio.wait([connecting])
    assert connecting.cancelled()
    stopping = asyncio.create_task(_awaited(calls.stop(CALL)))
    await asyncio.sleep(0.05)
    assert native.begun == [("connect", CALL)]
    native.end("connect", CALL, "")
    await until(lambda: len(native.begun) == 2)
    native.end("stop", CALL, "stopped")
    assert await stopping == "stopped"


async def test_a_call_is_stopped_after_its_connecting_has_failed() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    connecting, stopping = calls.connect(CALL, "offer"), calls.stop(CALL)
    native.end("connect", CALL, ConnectionError("refused"))
    with pytest.raises(ConnectionError, match="refused"):
        await connecting
    await until(lambda: native.begun == [("connect", CALL), ("stop", CALL)])
    native.end("stop", CALL, "stopped")
    assert await stopping == "stopped"


async def test_a_stop_goes_on_when_nobody_waits_for_it_any_more() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    connecting, stopping = calls.connect(CALL, "offer"), calls.stop(CALL)
    stopping.cancel()
    native.end("connect", CALL, "connected")
    assert await connecting == "connected"
    await until(lambda: native.begun == [("connect", CALL), ("stop", CALL)])


async def test_calls_do_not_wait_for_each_other() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    calls.connect(CALL, "offer")
    stopping = calls.stop(OTHER)
    assert native.begun == [("connect", CALL), ("stop", OTHER)]
    native.end("stop", OTHER, "stopped")
    assert await stopping == "stopped"


async def test_what_is_about_no_call_goes_straight_through() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    calls.connect(CALL, "offer")
    assert await calls.calls() == [CALL]
    heard: list[int] = []
    calls.on_frames(heard.append)
    assert native.callback == heard.append


async def test_nothing_is_kept_of_a_call_that_waits_for_nothing() -> None:
    native = SlowNative()
    calls = NativeCalls(native)
    connecting = calls.connect(CALL, "offer")
    native.end("connect", CALL, "connected")
    await connecting
    await until(lambda: not calls._latest)


async def _awaited(work: asyncio.Future[Any]) -> Any:
    return await work
