"""The doors for programs, pages and Prometheus, put together: control socket, HTTP server, metrics."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from calls.browser_calls import BrowserCalls
from calls.guest_calls import Door
from calls.ice import ice_servers
from calls.telegram.engine import framework
from calls.telegram.titles import title_of
from control.controlled import controlled
from control.http.server import served_http
from control.http.services import HttpServices
from control.services import ControlServices
from metrics.live import Live
from metrics.measured import measured
from service.account import AccountAtWork
from service.all_calls import AllCalls
from service.chats import Chats
from service.foundation import Foundation


@contextlib.asynccontextmanager
async def doors(base: Foundation, at_work: AccountAtWork, calls: AllCalls, chats: Chats) -> AsyncIterator[None]:
    """All of them are open inside.

    :raises errors.ParleyError: one that was asked for cannot be opened.
    """
    settings, control = base.settings, _control(base, at_work, calls, chats)
    async with contextlib.AsyncExitStack() as stack:
        calls.private.attended = await stack.enter_async_context(controlled(settings, control, base.bus))
        browser_calls = BrowserCalls(calls.guests, base.pacer, base.bus, ice_servers(settings))
        services = HttpServices(
            settings=settings,
            guests=calls.guests,
            engines=base.engines,
            pacer=base.pacer,
            bus=base.bus,
            database=base.database,
            control=control,
            browser_calls=await stack.enter_async_context(browser_calls),
            registry=await stack.enter_async_context(measured(settings, base.bus, _live(base, at_work, calls))),
        )
        await stack.enter_async_context(served_http(settings, services))
        yield


def _control(base: Foundation, at_work: AccountAtWork, calls: AllCalls, chats: Chats) -> ControlServices:
    account = at_work.account
    return ControlServices(
        calls=calls.manager,
        private_calls=calls.private,
        links=chats.links,
        phone_calls=calls.phone,
        appointments=chats.appointments,
        owner_chat=at_work.owner_chat,
        time_zone=base.settings.time_zone,
        database=base.database,
        account_id=account.id,
        title_of=partial(title_of, account),
        connected=lambda: account.connected,
        framework=framework(),
        hearing_name=base.engines.stt.name,
        voice_name=base.engines.tts.name,
        draining=base.stop.is_set,
    )


def _live(base: Foundation, at_work: AccountAtWork, calls: AllCalls) -> Live:
    return Live(
        calls={
            "group": lambda: len(calls.manager.active),
            "private": lambda: len(calls.private.calls),
            **{door.value: partial(calls.guests.count, door) for door in Door},
        },
        speculation=base.engines.speculation,
        floods=at_work.account.gates.floods,
    )
