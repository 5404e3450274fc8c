"""The metrics put together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry, GCCollector, Info, ProcessCollector

from calls.events import EventBus
from config import Settings
from metrics.live import Live
from metrics.loop_lag import watch_lag
from metrics.meters import Meters
from metrics.page import served
from version import VERSION

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def measured(settings: Settings, bus: EventBus, live: Live) -> AsyncIterator[CollectorRegistry | None]:
    """Count inside, for the HTTP server and for a page of its own at METRICS_PORT, where the settings ask for either.

    Gives what collects the metrics; ``None``: nobody could read them, so nothing is counted.

    :raises metrics.page.MetricsError: not at that address.
    """
    if settings.metrics_port is None and not settings.http_port:
        yield None
        return
    registry = CollectorRegistry()
    Info("parley", "Which Parley this is.", registry=registry).info({"version": VERSION})
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(live)
    async with contextlib.AsyncExitStack() as stack:
        if settings.metrics_port is not None:
            await stack.enter_async_context(served(registry, settings.metrics_host, settings.metrics_port))
            log.info("Prometheus finds the metrics at http://%s:%d/metrics.", settings.metrics_host, settings.metrics_port)
        stack.callback(bus.subscribe(Meters(registry)))
        lag = asyncio.create_task(watch_lag(registry), name="event loop lag")
        try:
            yield registry
        finally:
            lag.cancel()
            await asyncio.wait({lag})
