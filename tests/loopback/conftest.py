"""A small town on a loopback Telegram: Ann founded the group, Parley is an admin, Carol one without the right to calls, Bob a member."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.sessions import MemorySession, StringSession

from loopback.media_seam import PlaceholderMedia
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat


async def until(condition: Callable[[], Any], timeout_s: float = 30.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.01)


@dataclass
class Town:
    telegram: LoopbackTelegram
    media: PlaceholderMedia
    ann: Account
    parley: Account
    carol: Account
    bob: Account
    group: Chat
    stack: AsyncExitStack

    async def client(self, account: Account, session: Any = None, **options: Any) -> TelegramClient:
        """A connected client that knows the group."""
        client = await self.stranger(session or StringSession(self.telegram.session_for(account)), **options)
        await client.get_dialogs()
        return client

    async def stranger(self, session: Any = None, **options: Any) -> TelegramClient:
        """A connected client, signed in or not."""
        if session is None:
            session = MemorySession()
            session.set_dc(2, self.telegram.server.host, self.telegram.server.port)
        client = TelegramClient(session, 1, "h" * 32, **{"retry_delay": 0.05, **options})
        self.stack.push_async_callback(client.disconnect)
        await client.connect()
        return client


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    media = PlaceholderMedia()
    async with LoopbackTelegram(media) as telegram, AsyncExitStack() as stack:
        TelegramClient._config = None
        ann = telegram.add_account("Ann", "+99966 1 0001", username="ann")
        parley = telegram.add_account("Parley", "999661 0002", username="parley")
        carol = telegram.add_account("Carol", "9996610004", username="carol")
        bob = telegram.add_account("Bob", "9996610003", username="bob")
        group = telegram.add_group("Book club", ann, {parley: AdminRights(), carol: AdminRights(manage_call=False)}, [bob])
        yield Town(telegram, media, ann, parley, carol, bob, group, stack)
    assert telegram.problems() == []
