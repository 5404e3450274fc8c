"""The HTTP server put together: every door, and what stands before all of them."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from config import Settings
from control.http import health
from control.http.services import HttpServices
from errors import EXIT_SETTINGS, ParleyError

log = logging.getLogger(__name__)

CLOSING_S: Final = 2.0
MOST_BODY_BYTES: Final = 1024 * 1024
DOORS: Final[tuple[Callable[[HttpServices], list[web.RouteDef]], ...]] = (health.routes,)
"""What is reached over HTTP: each gives its routes."""


class HttpError(ParleyError):
    """Nothing can be served at the address of the settings."""

    exit_code = EXIT_SETTINGS


def application(services: HttpServices) -> web.Application:
    """All that is served."""
    made = web.Application(client_max_size=MOST_BODY_BYTES)
    for routes in DOORS:
        made.add_routes(routes(services))
    return made


@contextlib.asynccontextmanager
async def served_http(settings: Settings, services: HttpServices) -> AsyncIterator[None]:
    """Serve inside, unless HTTP_PORT is 0. Where another program has the port that nobody has chosen, Parley works without.

    :raises HttpError: nothing can be served at HTTP_HOST and HTTP_PORT.
    """
    if not settings.http_port:
        yield
        return
    runner = web.AppRunner(application(services), access_log=None, handle_signals=False, shutdown_timeout=CLOSING_S)
    await runner.setup()
    try:
        await _listen(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        refusal = HttpError(
            f"Nothing can be served at {settings.http_host}, port {settings.http_port}: {why}.",
            "Set HTTP_PORT to another port, or to 0 to serve nothing.",
        )
        if error.errno != errno.EADDRINUSE or "http_port" in settings.model_fields_set:
            raise refusal from error
        log.warning("%s Until then there are no web pages and no HTTP API.", refusal)
        return
    log.info("The page of the calls: http://%s:%d/", settings.http_host, settings.http_port)
