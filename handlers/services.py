"""What the families of commands need of the rest of the house, gathered in one place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telethon import TelegramClient

from calls.diary import Diary
from config import Settings
from handlers.authority import Admins
from handlers.call_manager import CallManager
from handlers.decisions import AutoJoin, Histories
from handlers.grants import StoredGrants
from handlers.links import Links
from handlers.private_calls import Phone
from handlers.telephone import Telephone
from handlers.transcribing import Transcriber
from storage import chats
from storage.chats import ChatSettings
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Made once at the start. ``connected`` tells whether the client is, ``framework`` names the call library, ``restart`` has the program
    end and be started again, ``clock`` is the time of day."""

    client: TelegramClient
    settings: Settings
    database: Database
    manager: CallManager
    grants: StoredGrants
    admins: Admins
    connected: Callable[[], bool]
    framework: str
    restart: Callable[[], None]
    voice_name: str
    """What speaks, as logs call it."""
    hearing_name: str
    histories: Histories | None = None
    auto_join: AutoJoin | None = None
    transcriber: Transcriber | None = None
    phone: Phone | None = None
    telephone: Telephone | None = None
    links: Links | None = None
    appointments: Diary | None = None
    clock: Callable[[], float] = time.time

    async def chat(self, chat_id: int) -> ChatSettings:
        """What is set for a chat."""
        return await chats.get(self.database, chat_id)

    async def change(self, chat_id: int, **changes: Any) -> ChatSettings:
        """Change what is set for a chat (see :func:`storage.chats.change`); a call there goes by it from its next turn on."""
        chat = await chats.change(self.database, chat_id, **changes)
        await self.manager.manners_changed(chat_id)
        return chat
