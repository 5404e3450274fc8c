"""Who may do more than anybody, and who nothing. Times are seconds since the epoch; ``by`` is the user who decided it."""

from __future__ import annotations

from typing import Final

from storage.database import Database
from storage.errors import TooMany

MOST_AUTHORISED: Final = 25
"""Authorised people in one chat."""


async def sudo(database: Database) -> set[int]:
    """The users whom the owner trusts in every chat."""
    return await _ids(database, "SELECT user_id FROM sudo")


async def add_sudo(database: Database, user_id: int, by: int, at: float) -> bool:
    """Trust a user in every chat; whether that is new."""
    return await _changed(database, "INSERT OR IGNORE INTO sudo (user_id, added_by, at) VALUES (?, ?, ?)", user_id, by, at)


async def remove_sudo(database: Database, user_id: int) -> bool:
    """Trust a user no longer; whether that is new."""
    return await _changed(database, "DELETE FROM sudo WHERE user_id = ?", user_id)


async def authorised(database: Database, chat_id: int) -> set[int]:
    """The users who may use what is for authorised people in this chat."""
    return await _ids(database, "SELECT user_id FROM authorised WHERE chat_id = ?", chat_id)


async def authorise(database: Database, chat_id: int, user_id: int, by: int, at: float) -> bool:
    """Authorise a user in a chat; whether that is new.

    :raises storage.errors.TooMany: the chat has as many as it can have.
    """
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "INSERT OR IGNORE INTO authorised (chat_id, user_id, added_by, at) VALUES (?, ?, ?, ?)", (chat_id, user_id, by, at)
        )
        ((many,),) = await connection.execute_fetchall("SELECT count(*) FROM authorised WHERE chat_id = ?", (chat_id,))
        if many > MOST_AUTHORISED:
            raise TooMany(
                f"This chat has {MOST_AUTHORISED} authorised people already.",
                "Take one away with /unauth first.",
                key="storage.too_many_authorised",
                fields={"limit": MOST_AUTHORISED},
            )
    return cursor.rowcount > 0


async def unauthorise(database: Database, chat_id: int, user_id: int) -> bool:
    """Take it back; whether that is new."""
    return await _changed(database, "DELETE FROM authorised WHERE chat_id = ? AND user_id = ?", chat_id, user_id)


async def blacklisted(database: Database) -> set[int]:
    """The users and chats to which Parley does not listen."""
    return await _ids(database, "SELECT id FROM blacklisted")


async def blacklist(database: Database, user_or_chat_id: int, by: int, at: float) -> bool:
    """Listen to a user or chat no longer; whether that is new."""
    return await _changed(database, "INSERT OR IGNORE INTO blacklisted (id, added_by, at) VALUES (?, ?, ?)", user_or_chat_id, by, at)


async def unblacklist(database: Database, user_or_chat_id: int) -> bool:
    """Listen again; whether that is new."""
    return await _changed(database, "DELETE FROM blacklisted WHERE id = ?", user_or_chat_id)


async def _ids(database: Database, query: str, *parameters: int) -> set[int]:
    return {row[0] for row in await database.rows(query, parameters)}


async def _changed(database: Database, statement: str, *parameters: int | float) -> bool:
    async with database.transaction() as connection:
        cursor = await connection.execute(statement, parameters)
    return cursor.rowcount > 0
