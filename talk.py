"""Parley without Telegram: whoever opens its web page talks with it, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from typing import Final

from calls.browser_calls import BrowserCalls
from calls.guest_calls import Door
from calls.ice import ice_servers
from calls.invite_links import InviteLinks, base_url_of
from calls.no_group_calls import NoGroupCalls
from config import Settings
from control.http.server import address, served_http
from control.http.services import HttpServices
from control.services import ControlServices
from errors import SettingsError
from metrics.live import Live
from metrics.measured import measured
from service.foundation import foundation, guest_calls
from storage.database import Database

log = logging.getLogger(__name__)

DOORS: Final = (Door.BROWSER, Door.WEBSOCKET)
"""The ways in that need no account anywhere."""


async def talk(settings: Settings) -> int:
    """Serve the pages until SIGINT or SIGTERM; the exit code.

    :raises errors.ParleyError: it cannot work: settings, models, disk, a port. In a group with others if several things fail.
    """
    if not settings.http_port:
        raise SettingsError("HTTP_PORT is 0, so there is no page to talk on.", "Leave HTTP_PORT out, or set it to a port.")
    async with contextlib.AsyncExitStack() as stack:
        base = await stack.enter_async_context(foundation(settings))
        guests = await stack.enter_async_context(guest_calls(base))
        live = Live(calls={door.value: partial(guests.count, door) for door in DOORS}, speculation=base.engines.speculation)
        services = HttpServices(
            settings=settings,
            guests=guests,
            engines=base.engines,
            pacer=base.pacer,
            bus=base.bus,
            database=base.database,
            control=without_an_account(settings, base.database, base.engines.stt.name, base.engines.tts.name),
            browser_calls=await stack.enter_async_context(BrowserCalls(guests, base.pacer, base.bus, ice_servers(settings))),
            registry=await stack.enter_async_context(measured(settings, base.bus, live)),
        )
        await stack.enter_async_context(served_http(settings, services, needed=True))
        print(f"Open {address(settings)}call in a browser on this machine, press Call, and speak. Ctrl-C stops.", flush=True)
        await base.stop.wait()
        await guests.drain()
    return 0


def without_an_account(settings: Settings, database: Database, hearing: str, voice: str) -> ControlServices:
    """What the doors are told of Telegram where there is no account."""
    calls = NoGroupCalls()
    return ControlServices(
        calls=calls,
        database=database,
        account_id=0,
        title_of=calls.title_of,
        connected=lambda: True,
        framework="none",
        hearing_name=hearing,
        voice_name=voice,
        links=InviteLinks(database, base_url_of(settings)),
    )
