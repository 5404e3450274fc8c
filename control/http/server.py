"""The HTTP server put together: every door, and what stands before all of them."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from config import Settings
from control.http import appointments, browser, health, links, pages, phone, speech, twilio, voice_socket
from control.http.access import DOORKEEPER, Doorkeeper
from control.http.calls import CallRoutes
from control.http.guard import add_headers, middlewares
from control.http.open_sockets import OPEN_SOCKETS, OpenSockets
from control.http.origins import Places, name_of, origin_of
from control.http.services import HttpServices
from errors import EXIT_SETTINGS, ParleyError
from storage import tokens
from storage.database import Database

log = logging.getLogger(__name__)

CLOSING_S: Final = 2.0
IDLE_S: Final = 75.0
"""A connection on which nothing is asked is closed after this long, also one on which nothing ever was."""
MOST_FILES: Final = 4_096
"""Each connection is an open file, and systems often allow a program no more than 1024 unless it asks for more."""
MOST_BODY_BYTES: Final = 1024 * 1024
DOORS: Final[tuple[Callable[[HttpServices], list[web.RouteDef]], ...]] = (
    pages.routes,
    health.routes,
    browser.routes,
    links.routes,
    appointments.routes,
    phone.routes,
    twilio.routes,
    speech.routes,
    voice_socket.routes,
)
"""What is reached over HTTP: each gives its routes."""


class HttpError(ParleyError):
    """Nothing can be served at the address of the settings."""

    exit_code = EXIT_SETTINGS


def application(services: HttpServices) -> web.Application:
    """All that is served."""
    settings = services.settings
    made = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=middlewares(places(settings)))
    made[DOORKEEPER] = Doorkeeper(services.database, settings.http_requests_per_minute)
    made[OPEN_SOCKETS] = OpenSockets()
    made.on_shutdown.append(made[OPEN_SOCKETS].close)
    made.on_response_prepare.append(add_headers)
    calls = CallRoutes(services)
    made.add_routes(calls.routes())
    made.on_shutdown.append(calls.close)
    for routes in DOORS:
        made.add_routes(routes(services))
    return made


def places(settings: Settings) -> Places:
    """The names of the server and the origins that may use it."""
    outside = [settings.api_base_url] if settings.api_base_url else []
    names = {*_listed(settings.http_hosts), *(name_of(origin_of(url).partition("://")[2]) for url in outside)}
    return Places(frozenset(names), frozenset({*_listed(settings.http_origins), *(origin_of(url) for url in outside)}))


def _listed(setting: str) -> set[str]:
    return {each.strip().lower() for each in setting.split(",") if each.strip()}


@contextlib.asynccontextmanager
async def served_http(settings: Settings, services: HttpServices, *, needed: bool = False) -> AsyncIterator[None]:
    """Serve inside, unless HTTP_PORT is 0. Where another program has the port that nobody has chosen, Parley works without.

    ``needed``: it does not.

    :raises HttpError: nothing can be served at HTTP_HOST and HTTP_PORT, or others could reach it and there is no token.
    """
    if not settings.http_port:
        yield
        return
    await _refuse_strangers(settings, services.database)
    _allow_connections()
    runner = web.AppRunner(
        application(services), access_log=None, handle_signals=False, shutdown_timeout=CLOSING_S, keepalive_timeout=IDLE_S
    )
    await runner.setup()
    try:
        await _listen(runner, settings, needed=needed or "http_port" in settings.model_fields_set)
        yield
    finally:
        await runner.cleanup()


def _allow_connections() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(MOST_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _refuse_strangers(settings: Settings, database: Database) -> None:
    if ipaddress.ip_address(settings.http_host).is_loopback:
        return
    now = time.time()
    if not any(token.is_good(now) for token in await tokens.all_of_them(database)):
        raise HttpError(
            f"HTTP_HOST is {settings.http_host}: others could reach the calls, and there is no token to tell who may.",
            "Make one with: python bot.py token create NAME, or leave HTTP_HOST out.",
        )


async def _listen(runner: web.AppRunner, settings: Settings, *, needed: bool) -> None:
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        refusal = HttpError(
            f"Nothing can be served at {settings.http_host}, port {settings.http_port}: {why}.",
            "Set HTTP_PORT to another port, or to 0 to serve nothing.",
        )
        if needed or error.errno != errno.EADDRINUSE:
            raise refusal from error
        log.warning("%s Until then there are no web pages and no HTTP API.", refusal)
        return
    log.info("The page of the calls is at %s", address(settings))


def address(settings: Settings) -> str:
    """Where the pages are, for a browser on this machine."""
    host = settings.http_host
    if ipaddress.ip_address(host).is_unspecified or host == "127.0.0.1":
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/"
