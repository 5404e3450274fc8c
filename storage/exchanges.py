"""What was said and answered: one row per turn and its reply."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExchange:
    """A turn and its reply. ``reply_heard`` is the part of the reply that was played; ``at`` is seconds since the epoch."""

    chat_id: int
    turn_id: int
    revision: int
    speaker: str
    speaker_id: int
    heard: str
    reply: str
    reply_heard: str
    interrupted: bool
    at: float
    spans_ms: dict[str, float] = field(default_factory=dict)
    call_id: int | None = None


async def add(database: Database, exchange: StoredExchange) -> None:
    """Keep an exchange."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO exchanges"
            " (call_id, chat_id, turn_id, revision, speaker, speaker_id, heard, reply, reply_heard, interrupted, spans, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                exchange.call_id,
                exchange.chat_id,
                exchange.turn_id,
                exchange.revision,
                exchange.speaker,
                exchange.speaker_id,
                exchange.heard,
                exchange.reply,
                exchange.reply_heard,
                int(exchange.interrupted),
                json.dumps(exchange.spans_ms),
                exchange.at,
            ),
        )


async def of_chat(database: Database, chat_id: int, limit: int = 100) -> list[StoredExchange]:
    """The newest exchanges of a chat, oldest first."""
    rows = await database.rows("SELECT * FROM exchanges WHERE chat_id = ? ORDER BY at DESC, id DESC LIMIT ?", (chat_id, limit))
    return [
        StoredExchange(
            call_id=row["call_id"],
            chat_id=row["chat_id"],
            turn_id=row["turn_id"],
            revision=row["revision"],
            speaker=row["speaker"],
            speaker_id=row["speaker_id"],
            heard=row["heard"],
            reply=row["reply"],
            reply_heard=row["reply_heard"],
            interrupted=bool(row["interrupted"]),
            spans_ms=json.loads(row["spans"]),
            at=row["at"],
        )
        for row in reversed(rows)
    ]
