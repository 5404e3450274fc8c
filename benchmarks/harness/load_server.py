"""A server of WebSocket calls with stub engines, in a process of its own: tells its port, then its figures each time it is asked.

Every line of standard input ends a stretch of measuring, whose figures are a line of JSON on standard output, and begins the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, cast

from aiohttp import web

from audio.vad import shared_silero
from benchmarks.harness.cost import cpu_s, rss_mb
from benchmarks.harness.script import Delays, Prompter
from benchmarks.report import percentile
from benchmarks.stub_engines import StubBrain, StubEar, StubVoice
from calls.admission import Admission
from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manners import manners_from
from config import load_settings
from control.http import voice_socket
from control.http.access import DOORKEEPER, Doorkeeper
from control.http.guard import middlewares
from control.http.open_sockets import OPEN_SOCKETS, OpenSockets
from control.http.server import places
from control.http.services import HttpServices
from control.services import ControlServices
from storage.database import Database

TIMER_S: Final = 0.01


class Stretch:
    """What is measured from one command to the next."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._begin()

    def _begin(self) -> None:
        self.late_s: list[float] = []
        self._cpu_s, self._at_s, self._dropped = cpu_s(), time.perf_counter(), self._pacer.cadence.dropped

    def end(self) -> dict[str, Any]:
        """The figures; the next stretch begins."""
        took_s = time.perf_counter() - self._at_s
        figures = {
            "lag_p50_ms": 1000 * percentile(self.late_s, 50),
            "lag_p99_ms": 1000 * percentile(self.late_s, 99),
            "lag_most_ms": 1000 * max(self.late_s, default=0.0),
            "cpu_percent": 100 * (cpu_s() - self._cpu_s) / took_s,
            "rss_mb": rss_mb(),
            "frames_dropped": self._pacer.cadence.dropped - self._dropped,
        }
        self._begin()
        return figures

    async def watch(self) -> None:
        """How late a timer of 10 ms is."""
        while True:
            due_s = time.perf_counter() + TIMER_S
            await asyncio.sleep(TIMER_S)
            self.late_s.append(time.perf_counter() - due_s)


@contextlib.asynccontextmanager
async def served(most_calls: int, folder: Path) -> AsyncIterator[tuple[int, Pacer]]:
    """The port, and what pulls the calls."""
    settings = load_settings(None, data_dir=folder, max_guest_calls=most_calls, max_connections=10 * most_calls)
    delays, prompter, bus, pacer = Delays(), Prompter(), EventBus(), Pacer()
    engines = Engines(StubEar(delays, prompter), StubBrain(delays, prompter), StubVoice(delays))
    manners = manners_from(settings, small_model=False, history_tokens=1500)

    async def manners_for(_chat_id: int) -> Any:
        return manners

    async with contextlib.AsyncExitStack() as stack:
        guests = await stack.enter_async_context(
            GuestCalls(engines, manners_for, bus, room=lambda: Admission(most_calls).refusal(len(guests.calls)))
        )
        database = await Database.open(folder / "load.db")
        stack.push_async_callback(database.close)
        services = HttpServices(
            settings=settings, guests=guests, engines=engines, pacer=pacer, bus=bus, database=database, control=cast(ControlServices, None)
        )
        application = web.Application(middlewares=middlewares(places(settings)))
        application[DOORKEEPER] = Doorkeeper(database, settings.http_requests_per_minute)
        application[OPEN_SOCKETS] = OpenSockets()
        application.on_shutdown.append(application[OPEN_SOCKETS].close)
        application.add_routes(voice_socket.routes(services))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        yield runner.addresses[0][1], pacer
        await guests.drain(0.0)


async def tell_figures(serving: AbstractAsyncContextManager[tuple[int, Pacer]]) -> None:
    """Serve, and tell port and figures, until standard input ends."""
    shared_silero()
    async with serving as (port, pacer):
        gc.collect()
        gc.freeze()
        stretch = Stretch(pacer)
        watching = asyncio.create_task(stretch.watch())
        print(json.dumps({"port": port, "rss_mb": rss_mb()}), flush=True)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while await commands.readline():
            print(json.dumps(stretch.end()), flush=True)
        watching.cancel()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(tell_figures(served(int(sys.argv[1]), Path(folder))))
