"""The SQLite file behind everything that is kept: one connection that writes, one that reads, a schema that is brought up to date."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import aiosqlite

from storage.errors import StorageError
from storage.migrations import Migration, all_migrations

FILE_NAME: Final = "parley.db"
BUSY_TIMEOUT_MS: Final = 5000
PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)

UNUSABLE_PLACE: Final = (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)

Parameters = Sequence[Any]


class Database:
    """Open with :meth:`open`. Writes go through :meth:`transaction`, one at a time; reads do not wait for them."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, migrations: Iterable[Migration] | None = None) -> Database:
        """Open or create the file (mode 0600) and bring its schema up to date.

        :raises storage.errors.StorageError: not a database, not writable, or written by a newer Parley.
        """
        async with contextlib.AsyncExitStack() as opened:
            try:
                _make_private(path)
                writer = await _connect(path)
                opened.push_async_callback(writer.close)
                await _migrate(path, writer, all_migrations() if migrations is None else list(migrations))
                reader = await _connect(path)
            except (sqlite3.Error, OSError) as error:
                raise _explained(path, error) from error
            opened.pop_all()
        return cls(path, writer, reader)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Write: all of it is kept, or after an error nothing.

        :raises storage.errors.StorageError: it could not be written.
        """
        async with self._turn:
            try:
                await self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                except BaseException:
                    await self._writer.rollback()
                    raise
                await self._writer.commit()
            except sqlite3.Error as error:
                raise _explained(self.path, error) from error

    async def rows(self, query: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Read.

        :raises storage.errors.StorageError: it could not be read.
        """
        try:
            return list(await self._reader.execute_fetchall(query, parameters))
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    async def close(self) -> None:
        """Finish and close; the worker threads of both connections end."""
        with contextlib.suppress(sqlite3.Error):
            await self._writer.execute("PRAGMA optimize")
        await self._reader.close()
        await self._writer.close()


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            await connection.execute(pragma)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _migrate(path: Path, connection: aiosqlite.Connection, migrations: Sequence[Migration]) -> None:
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > len(migrations):
        raise StorageError(
            f"The database {path} was written by a newer Parley (schema {version}, this one knows {len(migrations)}).",
            "Update Parley, or set DATA_DIR to another folder.",
        )
    for step in migrations[version:]:
        await _take(step, connection)


async def _take(step: Migration, connection: aiosqlite.Connection) -> None:
    """One step and its number, in one transaction."""
    try:
        await connection.executescript(f"BEGIN IMMEDIATE;\n{step.statements}\nPRAGMA user_version = {step.version};\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            await connection.rollback()
        raise


def _explained(path: Path, error: Exception) -> StorageError:
    if isinstance(error, UNUSABLE_PLACE) or "readonly" in str(error):
        return StorageError(f"The database {path} cannot be written ({error}).", "Give Parley the right to write there, or set DATA_DIR.")
    if isinstance(error, sqlite3.DatabaseError) and any(sign in str(error) for sign in ("not a database", "malformed")):
        return StorageError(f"The database {path} is damaged ({error}).", "Move it away: a new one is made at the next start.")
    if "locked" in str(error):
        return StorageError(f"The database {path} is in use by another program.", "Stop the other program, then try again.")
    return StorageError(f"The database {path} cannot be used ({error}).", "Check the disk it is on.")
