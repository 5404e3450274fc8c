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
async def measured(settings: Settings, bus: EventBus, live: Live) -> AsyncIterator[None]:
    """Serve metrics inside, if the settings ask for them; else nothing is counted.

    :raises metrics.page.MetricsError: not at that address.
    """
    if settings.metrics_port is None:
        yield
        return
    registry = CollectorRegistry()
    Info("parley", "Which Parley this is.", registry=registry).info({"version": VERSION})
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(live)
    async with served(registry, settings.metrics_host, settings.metrics_port):
        unsubscribe = bus.subscribe(Meters(registry))
        lag = asyncio.create_task(watch_lag(registry), name="event loop lag")
        log.info("Prometheus finds the metrics at http://%s:%d/metrics.", settings.metrics_host, settings.metrics_port)
        try:
            yield
        finally:
            unsubscribe()
            lag.cancel()
            await asyncio.wait({lag})
