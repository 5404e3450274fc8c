"""Which calls Parley should be in, what went wrong there, and where it was sent away. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, Final

from storage.database import Database

COLUMNS: Final = "chat_id, title, requested_by, auto_joined, since, paused_until, failures, purpose, ends_at"
"""Of the table of wanted calls, in the order of :class:`WantedCall`."""
MOST_ERRORS: Final = 50
"""The newest errors of a chat that are kept."""


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call to be in until it is unwanted. ``failures`` counts the attempts that failed since the last that did not.

    ``purpose`` is what the brain is told that it is for; it is over at ``ends_at``, unless that is ``None``.
    """

    chat_id: int
    title: str
    requested_by: int
    auto_joined: bool
    since: float
    paused_until: float | None = None
    failures: int = 0
    purpose: str = ""
    ends_at: float | None = None


async def want(database: Database, call: WantedCall) -> None:
    """Keep that the call is wanted, in place of what was kept for that chat."""
    async with database.transaction() as connection:
        await connection.execute(
            f"INSERT OR REPLACE INTO wanted_calls ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            astuple(call),
        )


async def unwant(database: Database, chat_id: int) -> None:
    """Keep that no call is wanted in that chat."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM wanted_calls WHERE chat_id = ?", (chat_id,))


async def wanted(database: Database) -> list[WantedCall]:
    """Every wanted call, the one wanted longest first."""
    rows = await database.rows(f"SELECT {COLUMNS} FROM wanted_calls ORDER BY since, chat_id")
    return [_wanted(row) for row in rows]


async def note_failure(database: Database, chat_id: int, failures: int, paused_until: float | None) -> None:
    """Keep how many attempts have failed in a row, and until when there are no more; 0 and ``None`` after success."""
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE wanted_calls SET failures = ?, paused_until = ? WHERE chat_id = ?", (failures, paused_until, chat_id)
        )


async def left_by_hand(database: Database, chat_id: int, voice_chat_id: int, at: float) -> None:
    """Keep that somebody sent Parley out of this voice chat; one is remembered per chat, the newest."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT OR REPLACE INTO left_by_hand (chat_id, voice_chat_id, at) VALUES (?, ?, ?)", (chat_id, voice_chat_id, at)
        )


async def was_left_by_hand(database: Database, chat_id: int, voice_chat_id: int) -> bool:
    """Whether somebody sent Parley out of this very voice chat."""
    return bool(await database.rows("SELECT 1 FROM left_by_hand WHERE chat_id = ? AND voice_chat_id = ?", (chat_id, voice_chat_id)))


async def note_error(database: Database, chat_id: int, what: str, at: float) -> None:
    """Keep what went wrong in a chat."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO chat_errors (chat_id, what, at) VALUES (?, ?, ?)", (chat_id, what, at))
        await connection.execute(
            "DELETE FROM chat_errors WHERE chat_id = ?1 AND id NOT IN"
            " (SELECT id FROM chat_errors WHERE chat_id = ?1 ORDER BY at DESC, id DESC LIMIT ?2)",
            (chat_id, MOST_ERRORS),
        )


async def last_error_at(database: Database, chat_id: int) -> float | None:
    """When something last went wrong in a chat; ``None``: never."""
    ((at,),) = await database.rows("SELECT max(at) FROM chat_errors WHERE chat_id = ?", (chat_id,))
    return None if at is None else float(at)


def _wanted(row: Any) -> WantedCall:
    chat_id, title, requested_by, auto_joined, *others = row
    return WantedCall(chat_id, title, requested_by, bool(auto_joined), *others)
