"""How the calls of one chat are conducted: what is set for the chat, and the settings of the program for the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from audio.tts import Voice
from calls.manners import Manners, manners_from
from config import Settings
from storage import chats
from storage.chats import ChatSettings
from storage.database import Database
from storage.errors import StorageError


def manners_of(chat: ChatSettings, settings: Settings, *, small_model: bool, history_tokens: int) -> Manners:
    """The manners of a chat."""
    wishes: dict[str, Any] = {
        "mode": chat.mode,
        "language": chat.language,
        "persona": chat.persona,
        "cooldown_s": chat.cooldown_s,
        "reply_probability": chat.reply_probability,
        "alone_s": chat.alone_s,
        "edge_tts_rate": chat.rate,
        "time_zone": chat.time_zone or None,
    }
    wanted = settings.model_copy(update={name: value for name, value in wishes.items() if value is not None})
    manners = manners_from(wanted, small_model=small_model, history_tokens=history_tokens)
    voice = Voice(manners.voice.language, chat.voice or manners.voice.name, manners.voice.rate_percent)
    return replace(manners, voice=voice, listens=chat.stt_on, speaks=chat.tts_on)


def join_as_kept(database: Database) -> Callable[[int], Awaitable[int | None]]:
    """The channel in whose name the calls of each chat are joined, as it is kept now; None: in the account's own."""

    async def join_as(chat_id: int) -> int | None:
        try:
            return (await chats.get(database, chat_id)).join_as
        except StorageError:
            return None

    return join_as


def manners_kept(database: Database, settings: Settings, *, small_model: bool, history_tokens: int) -> Callable[[int], Awaitable[Manners]]:
    """The manners of each chat as they are kept now. A database that cannot be read costs no call: then the settings hold alone."""

    async def manners_for(chat_id: int) -> Manners:
        try:
            chat = await chats.get(database, chat_id)
        except StorageError:
            chat = ChatSettings(chat_id=chat_id)
        return manners_of(chat, settings, small_model=small_model, history_tokens=history_tokens)

    return manners_for
