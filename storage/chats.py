"""What is set for a chat. ``None`` or an empty text leaves it to the settings of the whole program."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """The settings of one chat; a chat that nobody has changed has the defaults."""

    chat_id: int
    title: str = ""
    auto_join: bool = False
    min_participants: int = 2
    quiet_from: str = ""
    """``HH:MM`` in the chat's time zone; empty, as ``quiet_until`` then is: no quiet hours."""
    quiet_until: str = ""
    time_zone: str = ""
    mode: str | None = None
    """always · addressed · silent."""
    language: str | None = None
    """What is spoken and written here: a two-letter code, or ``auto``."""
    persona: str | None = None
    voice: str | None = None
    rate: str | None = None
    """Speaking rate, such as ``+10%``."""
    tts_on: bool = True
    stt_on: bool = True
    cooldown_s: float | None = None
    reply_probability: float | None = None
    alone_s: float | None = None
    """A call is left after being alone in it for so long."""
    join_as: int | None = None
    """The channel in whose name calls are joined."""
    disabled_reason: str = ""
    """Why Parley does nothing in this chat; empty: it works."""


_CHANGEABLE: Final = frozenset(field.name for field in fields(ChatSettings)) - {"chat_id"}
_SWITCHES: Final = ("auto_join", "tts_on", "stt_on")


async def get(database: Database, chat_id: int) -> ChatSettings:
    """The settings of a chat, known or not."""
    rows = await database.rows("SELECT * FROM chats WHERE chat_id = ?", (chat_id,))
    return _settings(rows[0]) if rows else ChatSettings(chat_id=chat_id)


async def change(database: Database, chat_id: int, **changes: Any) -> ChatSettings:
    """Change what is named, keep the rest; returns what then holds.

    :raises ValueError: there is no such setting.
    """
    if unknown := sorted(changes.keys() - _CHANGEABLE):
        raise ValueError(f"a chat has no setting {', '.join(unknown)}")
    names = ", ".join(["chat_id", *changes])
    places = ", ".join("?" * (len(changes) + 1))
    updates = ", ".join(f"{name} = excluded.{name}" for name in changes)
    on_conflict = f"DO UPDATE SET {updates}" if updates else "DO NOTHING"
    async with database.transaction() as connection:
        await connection.execute(
            f"INSERT INTO chats ({names}) VALUES ({places}) ON CONFLICT (chat_id) {on_conflict}", (chat_id, *changes.values())
        )
        (row,) = await connection.execute_fetchall("SELECT * FROM chats WHERE chat_id = ?", (chat_id,))
    return _settings(row)


async def with_auto_join(database: Database) -> list[ChatSettings]:
    """The chats whose calls are joined without being asked."""
    return [_settings(row) for row in await database.rows("SELECT * FROM chats WHERE auto_join ORDER BY chat_id")]


async def forget(database: Database, chat_id: int) -> None:
    """Go back to the defaults."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM chats WHERE chat_id = ?", (chat_id,))


def _settings(row: Any) -> ChatSettings:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row is iterated by value
    return ChatSettings(**values | {name: bool(values[name]) for name in _SWITCHES})
