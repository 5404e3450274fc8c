"""How the calls of one chat are conducted: what is set for the chat, and the settings of the program for the rest."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from audio.tts import Voice
from calls.manners import Manners, manners_from
from config import Settings
from storage import chats, opt_outs
from storage.chats import ChatSettings
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


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
    """The manners of each chat as they are kept now.

    A database that cannot be read costs no call: then the settings hold alone, and whoever was known to have opted out stays unheard.
    """
    unheard: dict[int, frozenset[int]] = {}

    async def manners_for(chat_id: int) -> Manners:
        chat = ChatSettings(chat_id=chat_id)
        try:
            unheard[chat_id] = frozenset(each.user_id for each in await opt_outs.of_chat(database, chat_id))
            chat = await chats.get(database, chat_id)
        except StorageError as error:
            log.error("what is set for the chat is not known: %s", error, extra={"chat_id": chat_id})
        manners = manners_of(chat, settings, small_model=small_model, history_tokens=history_tokens)
        return replace(manners, unheard=unheard.get(chat_id, frozenset()))

    return manners_for
