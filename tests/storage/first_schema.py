"""A database as the first Parley wrote it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.migrations import all_migrations


def write(path: Path, exchanges: int = 3, words: str = "what is it?") -> None:
    """One call that ended, one that did not, and some exchanges; written by nothing but the statements of the first step."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(all_migrations()[0].statements)
        connection.execute("INSERT INTO calls (id, chat_id, title, joined_at, left_at, reason) VALUES (1, -5, 'Book club', 10, 20, 'Bye.')")
        connection.execute("INSERT INTO calls (id, chat_id, title, joined_at) VALUES (2, -5, 'Book club', 30)")
        connection.executemany(
            "INSERT INTO exchanges (call_id, chat_id, turn_id, revision, speaker, speaker_id, heard, reply, reply_heard, interrupted,"
            " spans, at) VALUES (1, -5, ?, 0, 'Ann', 7, ?, 'A house. It is red.', 'A house.', 1, '{\"brain\": 120.5}', ?)",
            [(turn, words, 100.0 + turn) for turn in range(exchanges)],
        )
        connection.execute("PRAGMA user_version = 1")


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    """Everything in a table, as it is in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return [tuple(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]


def version(path: Path) -> int:
    """The schema that the file says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
