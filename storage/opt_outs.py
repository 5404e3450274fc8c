"""Who does not want to be heard. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database


@dataclass(frozen=True, slots=True)
class OptOut:
    """A user who is not listened to in one chat; ``name`` as it was at the time."""

    user_id: int
    name: str
    at: float


async def add(database: Database, chat_id: int, user_id: int, name: str, at: float) -> bool:
    """Keep that a user is not to be heard in a chat; whether that is new."""
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "INSERT OR IGNORE INTO opt_outs (chat_id, user_id, name, at) VALUES (?, ?, ?, ?)", (chat_id, user_id, name, at)
        )
    return cursor.rowcount > 0


async def remove(database: Database, chat_id: int, user_id: int) -> bool:
    """Keep that a user may be heard again; whether that is new."""
    async with database.transaction() as connection:
        cursor = await connection.execute("DELETE FROM opt_outs WHERE chat_id = ? AND user_id = ?", (chat_id, user_id))
    return cursor.rowcount > 0


async def of_chat(database: Database, chat_id: int) -> list[OptOut]:
    """Those of a chat, the first to have opted out first."""
    rows = await database.rows("SELECT user_id, name, at FROM opt_outs WHERE chat_id = ? ORDER BY at, user_id", (chat_id,))
    return [OptOut(*row) for row in rows]


async def is_out(database: Database, chat_id: int, user_id: int) -> bool:
    """Whether a user is not to be heard in a chat."""
    return bool(await database.rows("SELECT 1 FROM opt_outs WHERE chat_id = ? AND user_id = ?", (chat_id, user_id)))
