"""Parley without Telegram: whoever opens its web page talks with it, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging

import service
from calls.admission import Admission
from calls.browser_calls import BrowserCalls
from calls.guest_calls import GuestCalls
from calls.ice import ice_servers
from calls.invite_links import InviteLinks, base_url_of
from calls.lines.pacer import Pacer
from calls.no_group_calls import NoGroupCalls
from config import Settings
from control.http.server import address, served_http
from control.http.services import HttpServices
from control.services import ControlServices
from errors import SettingsError
from storage.database import FILE_NAME, Database

log = logging.getLogger(__name__)


async def talk(settings: Settings) -> int:
    """Serve the pages until SIGINT or SIGTERM; the exit code.

    :raises errors.ParleyError: it cannot work: settings, models, disk, the port. In a group with others if several things fail.
    """
    if not settings.http_port:
        raise SettingsError("HTTP_PORT is 0, so there is no page to talk on.", "Leave HTTP_PORT out, or set it to a port.")
    stop = service._stop_signal()
    async with contextlib.AsyncExitStack() as stack:
        engines = await stack.enter_async_context(service._loaded(settings))
        database = await Database.open(settings.data_dir / FILE_NAME)
        stack.push_async_callback(database.close)
        bus = await stack.enter_async_context(service._event_bus(settings, database))
        guests = await stack.enter_async_context(
            GuestCalls(
                engines,
                service._manners(settings, database),
                bus,
                longest_s=settings.max_private_call_minutes * 60.0,
                room=lambda: Admission(settings.max_guest_calls).refusal(len(guests.calls)),
            )
        )
        pacer = Pacer()
        services = HttpServices(
            settings=settings,
            guests=guests,
            engines=engines,
            pacer=pacer,
            bus=bus,
            database=database,
            control=without_an_account(settings, database, engines.stt.name, engines.tts.name),
            browser_calls=await stack.enter_async_context(BrowserCalls(guests, pacer, bus, ice_servers(settings))),
        )
        await stack.enter_async_context(served_http(settings, services, needed=True))
        print(f"Open {address(settings)}call in a browser on this machine, press Call, and speak. Ctrl-C stops.", flush=True)
        await stop.wait()
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
