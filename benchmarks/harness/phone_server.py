"""A server of telephone calls with stub engines, in a process of its own: tells its port, then its figures each time it is asked.

Arguments: how many calls, and where the carrier is. The lines in and out are those of :mod:`benchmarks.harness.load_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, cast

from aiohttp import web

from benchmarks.harness.load_server import tell_figures
from benchmarks.harness.script import LONG, Delays, Prompter
from benchmarks.stub_engines import StubBrain, StubEar, StubVoice
from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manners import manners_from
from calls.telephony.exchange import telephoning
from config import Settings, load_settings
from control.http import twilio
from control.http.access import DOORKEEPER, Doorkeeper
from control.http.guard import middlewares
from control.http.server import places
from control.http.services import HttpServices
from control.services import ControlServices
from storage.database import Database

ACCOUNT: Final = "AC" + "1" * 32
SECRET: Final = "the secret of the account"
OWN_NUMBER: Final = "+34600000000"


def _settings(most_calls: int, carrier_url: str, port: int, folder: Path) -> Settings:
    return load_settings(
        None,
        data_dir=folder,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=SECRET,
        twilio_phone_number=OWN_NUMBER,
        twilio_api_url=carrier_url,
        api_base_url=f"http://127.0.0.1:{port}",
        phone_allowed_callers="+346",
        phone_allowed_prefixes="+346",
        phone_calls_at_once=most_calls,
        phone_minutes_per_day=100_000,
        phone_longest_s=3600,
        http_requests_per_minute=100_000,
    )


class _Control:
    """As much of the control services as the carrier's door needs."""

    phone_calls: Any = None


@contextlib.asynccontextmanager
async def served(most_calls: int, carrier_url: str, folder: Path) -> AsyncIterator[tuple[int, Pacer]]:
    """The port, and what pulls the calls."""
    delays, prompter, bus, pacer, control = Delays(), Prompter(answers=LONG), EventBus(), Pacer(), _Control()
    engines = Engines(StubEar(delays, prompter), StubBrain(delays, prompter), StubVoice(delays))
    async with contextlib.AsyncExitStack() as stack:
        bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
        port = bound.getsockname()[1]
        database = await Database.open(folder / "phone.db")
        stack.push_async_callback(database.close)
        settings = _settings(most_calls, carrier_url, port, folder)
        manners = manners_from(settings, small_model=False, history_tokens=1500)

        async def manners_for(_chat_id: int) -> Any:
            return manners

        guests = await stack.enter_async_context(GuestCalls(engines, manners_for, bus))
        control.phone_calls = await stack.enter_async_context(telephoning(settings, guests, pacer, database, bus))
        services = HttpServices(
            settings=settings, guests=guests, engines=engines, pacer=pacer, bus=bus, database=database,
            control=cast(ControlServices, control),
        )  # fmt: skip
        application = web.Application(middlewares=middlewares(places(settings)))
        application[DOORKEEPER] = Doorkeeper(database, settings.http_requests_per_minute)
        application.add_routes(twilio.routes(services))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, bound).start()
        yield port, pacer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(tell_figures(served(int(sys.argv[1]), sys.argv[2], Path(folder))))
