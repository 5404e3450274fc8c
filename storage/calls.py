"""The calls that Parley was in. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One stay in a voice chat; ``left_at`` is None while it lasts, and after a crash."""

    id: int
    chat_id: int
    title: str
    joined_at: float
    left_at: float | None
    reason: str | None


async def begin(database: Database, chat_id: int, title: str, at: float) -> int:
    """Keep that Parley joined; returns the id of the call."""
    async with database.transaction() as connection:
        cursor = await connection.execute("INSERT INTO calls (chat_id, title, joined_at) VALUES (?, ?, ?)", (chat_id, title, at))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


async def end(database: Database, call_id: int, reason: str, at: float) -> None:
    """Keep that Parley left."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE calls SET left_at = ?, reason = ? WHERE id = ?", (at, reason, call_id))


async def of_chat(database: Database, chat_id: int, limit: int = 100) -> list[StoredCall]:
    """The newest calls of a chat, newest first."""
    rows = await database.rows(
        "SELECT id, chat_id, title, joined_at, left_at, reason FROM calls WHERE chat_id = ? ORDER BY joined_at DESC, id DESC LIMIT ?",
        (chat_id, limit),
    )
    return [StoredCall(*row) for row in rows]


async def joined_since(database: Database, at: float) -> list[float]:
    """When calls were joined since then, oldest first."""
    return [float(row[0]) for row in await database.rows("SELECT joined_at FROM calls WHERE joined_at >= ? ORDER BY joined_at", (at,))]
