"""Which language a chat is written to in."""

from __future__ import annotations

import logging

from handlers.wording import language_of
from storage import chats
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)


class ReplyLanguages:
    """The chat's own language (``/lang``), else the one of the settings, else English."""

    def __init__(self, database: Database, usual: str) -> None:
        self._database = database
        self._usual = usual

    async def __call__(self, chat_id: int) -> str:
        """The language of the catalogues for a chat."""
        try:
            wanted = (await chats.get(self._database, chat_id)).language
        except StorageError as error:
            log.warning("the language of the chat is not known: %s", error, extra={"chat_id": chat_id})
            wanted = None
        return language_of(wanted, self._usual)
