"""The page that Prometheus reads: ``GET /metrics``, nothing else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from errors import ParleyError

CLOSING_S: Final = 1.0


class MetricsError(ParleyError):
    """The page cannot be served at its address."""


@contextlib.asynccontextmanager
async def served(registry: CollectorRegistry, host: str, port: int) -> AsyncIterator[None]:
    """Serve what ``registry`` collects inside.

    :raises MetricsError: the address cannot be had.
    """

    async def page(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/metrics", page)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=CLOSING_S)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise MetricsError(
            f"The metrics cannot be served at {host}, port {port}: {why}.", "Choose another METRICS_PORT, or leave it out."
        ) from error
