"""All commands of Parley, listened for on the account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from handlers.appointments import AppointmentCommands
from handlers.audit import AuditTrail
from handlers.authority import Authorities
from handlers.auto_join import AutoJoinCommands
from handlers.calls import CallCommands
from handlers.claims import Claims
from handlers.command import CommandTable, Family
from handlers.dispatch import Dispatcher
from handlers.hearing import HearingCommands
from handlers.languages import ReplyLanguages
from handlers.links import LinkCommands
from handlers.manners import MannersCommands
from handlers.private_calls import PrivateCallCommands
from handlers.rights import RightsCommands
from handlers.sender import OwnMessages, Sender
from handlers.service import ServiceCommands
from handlers.services import Services
from handlers.speaking import SpeakingCommands
from handlers.telephone import TelephoneCommands
from handlers.transcribing import TranscribeCommand


def families(services: Services, clock: Callable[[], float] = time.monotonic) -> Iterator[Family]:
    """Every family, in the order in which ``/help`` lists them. ``clock`` is that of :attr:`handlers.command.Request.received_s`."""
    yield CallCommands(services, clock)
    if services.phone:
        yield PrivateCallCommands(services.phone)
    if services.telephone:
        yield TelephoneCommands(services.telephone)
    if services.links:
        yield LinkCommands(services.links)
    if services.appointments:
        yield AppointmentCommands(services, services.appointments)
    yield AutoJoinCommands(services)
    yield SpeakingCommands(services)
    yield HearingCommands(services)
    if services.transcriber:
        yield TranscribeCommand(services.transcriber)
    yield MannersCommands(services)
    yield RightsCommands(services)


def all_commands(services: Services, clock: Callable[[], float] = time.monotonic) -> CommandTable:
    """The declarations of every family; ``/help`` is the last and knows them all. ``clock`` as in :func:`families`."""
    tables: list[CommandTable] = []
    last = ServiceCommands(services, lambda: tables[0])
    tables.append(CommandTable(command for family in (*families(services, clock), last) for command in family.commands()))
    return tables[0]


class Commands:
    """An async context manager: commands are obeyed inside it. ``owner_id`` is the account itself, ``now`` Telegram's time of day, and
    ``clock`` gives seconds."""

    def __init__(
        self,
        services: Services,
        sender: Sender,
        own: OwnMessages,
        *,
        owner_id: int,
        own_username: str | None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = services.settings
        owners = {owner_id, *((settings.owner_id,) if settings.owner_id else ())}
        self.audit = AuditTrail(services.database)
        self._auditing: asyncio.Task[None] | None = None
        self._dispatcher = Dispatcher(
            services.client,
            all_commands(services, clock),
            Authorities(services.admins, services.grants, owners),
            sender,
            own,
            language_of=ReplyLanguages(services.database, settings.language),
            audit=self.audit,
            claims=Claims(services.database, now),
            prefixes=settings.command_prefixes,
            own_username=own_username,
            clock=clock,
        )

    @property
    def dispatcher(self) -> Dispatcher:
        """Who obeys; for commands that were given while Parley was away."""
        return self._dispatcher

    async def __aenter__(self) -> Commands:
        self._auditing = asyncio.create_task(self.audit.run(), name="audit")
        self._dispatcher.attach()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._dispatcher.close()
        if self._auditing is not None:
            await self.audit.drained()
            self._auditing.cancel()
            await asyncio.wait({self._auditing})
