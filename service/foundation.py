"""What everything else rests on, with a Telegram account or without: engines, database, bus, pacer, and when to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

from brain.choose import HISTORY_TOKENS, chosen_kind
from calls.admission import Admission
from calls.chat_manners import manners_kept
from calls.drafting import Engines
from calls.events import EventBus, EventLog
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.manager import MannersFor
from calls.recorder import Recorder
from config import Settings
from service import engines as engine_room
from storage.database import FILE_NAME, Database
from storage.retention import Retention, keep_purging


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """``stop`` is set by SIGINT and SIGTERM, and by whoever wants Parley to end; ``pacer`` pulls the lines of all calls."""

    settings: Settings
    engines: Engines
    database: Database
    bus: EventBus
    manners_for: MannersFor
    pacer: Pacer
    stop: asyncio.Event


@contextlib.asynccontextmanager
async def foundation(settings: Settings) -> AsyncIterator[Foundation]:
    """All of it, closed at the end.

    :raises errors.ParleyError: models or disk are not as they must be. In a group with others if several things are not.
    """
    stop = _stop_signal()
    async with contextlib.AsyncExitStack() as stack:
        engines = await stack.enter_async_context(engine_room.loaded(settings))
        database = await Database.open(settings.data_dir / FILE_NAME)
        stack.push_async_callback(database.close)
        bus = await stack.enter_async_context(_event_bus(settings, database))
        manners_for = _manners(settings, database)
        yield Foundation(settings=settings, engines=engines, database=database, bus=bus, manners_for=manners_for, pacer=Pacer(), stop=stop)


def guest_calls(base: Foundation) -> GuestCalls:
    """The calls by other doors than Telegram, to be entered."""
    settings = base.settings
    guests = GuestCalls(
        base.engines,
        base.manners_for,
        base.bus,
        longest_s=settings.max_private_call_minutes * 60.0,
        room=lambda: Admission(settings.max_guest_calls).refusal(len(guests.calls)),
    )
    return guests


def _manners(settings: Settings, database: Database) -> MannersFor:
    kind = chosen_kind(settings)
    return manners_kept(database, settings, small_model=kind == "embedded", history_tokens=HISTORY_TOKENS[kind])


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _event_bus(settings: Settings, database: Database) -> AsyncIterator[EventBus]:
    """A bus whose events are kept in the database, and in the event log where one is asked for."""
    bus = EventBus()
    recorder = Recorder(database, publish=bus.publish, keep_words=settings.transcript_days > 0)
    bus.subscribe(recorder)
    event_log = EventLog(settings.event_log) if settings.event_log else None
    if event_log:
        bus.subscribe(event_log)
    retention = Retention(settings.transcript_days, settings.audit_days)
    tasks = [asyncio.create_task(recorder.run()), asyncio.create_task(keep_purging(database, retention))]
    try:
        yield bus
    finally:
        await recorder.drained()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if event_log:
            event_log.close()
