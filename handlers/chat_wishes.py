"""What a chat and its people want of the bot, as far as it concerns voice messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from calls.manners import Manners
from storage import chats, opt_outs
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Wishes:
    """``listens``: speech is turned into text here; ``speaks``: answers are spoken; ``works``: the bot does anything here at all."""

    manners: Manners
    listens: bool = True
    speaks: bool = True
    works: bool = True


class ChatWishes:
    """Reads them anew each time, since commands change them."""

    def __init__(self, database: Database, manners_for: Callable[[int], Awaitable[Manners]]) -> None:
        self._database = database
        self._manners_for = manners_for

    async def of(self, chat_id: int) -> Wishes:
        """The wishes of a chat.

        :raises storage.errors.StorageError: they are not known.
        """
        settings = await chats.get(self._database, chat_id)
        return Wishes(await self._manners_for(chat_id), settings.stt_on, settings.tts_on, not settings.disabled_reason)

    async def may_hear(self, chat_id: int, user_id: int) -> bool:
        """Whether somebody has not opted out of being listened to here.

        :raises storage.errors.StorageError: it is not known.
        """
        return not await opt_outs.is_out(self._database, chat_id, user_id)
