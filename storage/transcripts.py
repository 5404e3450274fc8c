"""All that was said in calls: what was answered (:mod:`storage.exchanges`) and what was only heard. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any, Final

from storage.database import Database

LONGEST_CALL_S: Final = 86400.0
"""A call whose end was never stored is over after this long (the upper limit of MAX_CALL_MINUTES)."""


@dataclass(frozen=True, slots=True)
class HeardLine:
    """Something that was heard and not answered; ``reason`` says why not."""

    call_id: int | None
    chat_id: int
    turn_id: int
    speaker: str
    speaker_id: int
    heard: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody said, and what of the answer was heard (``None``: it was not answered)."""

    at: float
    speaker: str
    speaker_id: int
    heard: str
    reply_heard: str | None


_LINES: Final = (
    "SELECT at, turn_id, speaker, speaker_id, heard, reply_heard FROM exchanges WHERE {condition}"
    " UNION ALL SELECT at, turn_id, speaker, speaker_id, heard, NULL FROM heard_lines WHERE {condition}"
)


async def add(database: Database, line: HeardLine) -> None:
    """Keep what was heard and not answered."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO heard_lines (call_id, chat_id, turn_id, speaker, speaker_id, heard, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            astuple(line),
        )


async def of_call(database: Database, call_id: int) -> list[Line]:
    """Everything said in a call, oldest first."""
    return _lines(await database.rows(_LINES.format(condition="call_id = ?1") + " ORDER BY at, turn_id", (call_id,)))


async def of_chat(database: Database, chat_id: int, limit: int = 100) -> list[Line]:
    """The newest that was said in a chat's calls, oldest first."""
    rows = await database.rows(_LINES.format(condition="chat_id = ?1") + " ORDER BY at DESC, turn_id DESC LIMIT ?2", (chat_id, limit))
    return _lines(reversed(rows))


async def forget_user(database: Database, user_id: int) -> int:
    """Delete all that a user has said, and the answers to it, in every chat, from the disk too; returns how many lines that were."""
    lines = await _delete(database, "speaker_id = ?", user_id)
    await database.checkpoint()
    return lines


async def purge_older(database: Database, at: float) -> int:
    """Delete what was said before ``at``, and the calls that ended before; returns how many lines that were."""
    lines = await _delete(database, "at < ?", at)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM calls WHERE coalesce(left_at, joined_at + ?) < ?", (LONGEST_CALL_S, at))
    return lines


def _lines(rows: Any) -> list[Line]:
    return [Line(row["at"], row["speaker"], row["speaker_id"], row["heard"], row["reply_heard"]) for row in rows]


async def _delete(database: Database, condition: str, value: float) -> int:
    async with database.transaction() as connection:
        answered = await connection.execute(f"DELETE FROM exchanges WHERE {condition}", (value,))
        unanswered = await connection.execute(f"DELETE FROM heard_lines WHERE {condition}", (value,))
    return answered.rowcount + unanswered.rowcount
