"""Who told Parley to do what, and what came of it. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Final

from redaction import redacted
from storage.database import Database

LONGEST_TEXT: Final = 500
"""Characters of ``arguments`` and of ``result`` that are kept."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One command and its result."""

    at: float
    chat_id: int
    user_id: int
    command: str
    arguments: str
    result: str


async def add(database: Database, row: AuditRow) -> None:
    """Keep a row; what looks like a secret or a phone number in it is not kept, nor is a text beyond its limit."""
    kept = replace(row, arguments=_without_secrets(row.arguments), result=_without_secrets(row.result))
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO audit (at, chat_id, user_id, command, arguments, result) VALUES (?, ?, ?, ?, ?, ?)", astuple(kept)
        )


async def newest(database: Database, limit: int = 20) -> list[AuditRow]:
    """The newest rows, newest first."""
    rows = await database.rows(
        "SELECT at, chat_id, user_id, command, arguments, result FROM audit ORDER BY at DESC, id DESC LIMIT ?", (limit,)
    )
    return [AuditRow(*row) for row in rows]


async def purge_older(database: Database, at: float) -> int:
    """Delete the rows from before ``at``; returns how many."""
    async with database.transaction() as connection:
        cursor = await connection.execute("DELETE FROM audit WHERE at < ?", (at,))
    return cursor.rowcount


def _without_secrets(text: str) -> str:
    return redacted(text)[:LONGEST_TEXT]
