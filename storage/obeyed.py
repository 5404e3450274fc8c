"""Which messages have been obeyed, so that after a restart each command is obeyed at most once and none is overlooked."""

from __future__ import annotations

from typing import Final

from storage.database import Database

MOST_KEPT: Final = 500
"""Message ids kept per chat, the newest; whatever is older than all of them counts as obeyed."""


async def note(database: Database, chat_id: int, message_id: int) -> bool:
    """Keep that a message is about to be obeyed; call it *before* obeying. False: it was obeyed already and must not be again."""
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "INSERT OR IGNORE INTO obeyed (chat_id, message_id) SELECT ?1, ?2 WHERE ?2 > "
            "coalesce((SELECT message_id FROM obeyed WHERE chat_id = ?1 ORDER BY message_id DESC LIMIT 1 OFFSET ?3), 0)",
            (chat_id, message_id, MOST_KEPT - 1),
        )
        await connection.execute(
            "DELETE FROM obeyed WHERE chat_id = ?1 AND message_id < "
            "(SELECT message_id FROM obeyed WHERE chat_id = ?1 ORDER BY message_id DESC LIMIT 1 OFFSET ?2)",
            (chat_id, MOST_KEPT - 1),
        )
    return cursor.rowcount > 0


async def done(database: Database, chat_id: int, message_id: int) -> bool:
    """Whether a message was obeyed, or is too old to be."""
    rows = await database.rows(
        "SELECT 1 FROM obeyed WHERE chat_id = ?1 AND message_id = ?2 UNION ALL SELECT 1 WHERE ?2 <= "
        "(SELECT message_id FROM obeyed WHERE chat_id = ?1 ORDER BY message_id DESC LIMIT 1 OFFSET ?3)",
        (chat_id, message_id, MOST_KEPT - 1),
    )
    return bool(rows)


async def newest_message(database: Database, chat_id: int) -> int:
    """The newest message obeyed in a chat; 0: none yet."""
    ((newest,),) = await database.rows("SELECT max(message_id) FROM obeyed WHERE chat_id = ?", (chat_id,))
    return int(newest or 0)


async def chats(database: Database) -> list[int]:
    """The chats in which something was ever obeyed."""
    return [row[0] for row in await database.rows("SELECT DISTINCT chat_id FROM obeyed ORDER BY chat_id")]
