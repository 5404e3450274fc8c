"""All commands of Parley, listened for on the account."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from telethon import TelegramClient

from handlers.authority import CallManagers
from handlers.calls import CallCommands, CallManager
from handlers.command import CommandTable
from handlers.dispatch import Dispatcher


class Commands:
    """An async context manager: commands are obeyed inside it."""

    def __init__(
        self,
        client: TelegramClient,
        manager: CallManager,
        *,
        connected: Callable[[], bool],
        framework: str,
        prefixes: str,
        own_username: str | None,
    ) -> None:
        table = CommandTable(CallCommands(manager, connected, framework).commands())
        self._dispatcher = Dispatcher(client, table, CallManagers(client), prefixes, own_username)

    async def __aenter__(self) -> Commands:
        self._dispatcher.attach()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._dispatcher.close()
