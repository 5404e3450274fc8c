"""The SQLite file behind everything that is kept: one connection that writes, one that reads, a schema that is brought up to date."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import aiosqlite

from storage import read_only
from storage.errors import Problem, StorageError, explained
from storage.lock import WAIT_S, Lock, users_of
from storage.migrations import Migration, all_migrations
from storage.schema import migrate, version_of

log = logging.getLogger(__name__)

FILE_NAME: Final = "parley.db"
BUSY_TIMEOUT_MS: Final = 5000
_OF_READERS: Final = (f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}", "PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY")
PRAGMAS: Final = (*_OF_READERS, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON")
UNWRITABLE: Final = (Problem.FULL, Problem.READ_ONLY, Problem.DISK)

Parameters = Sequence[Any]
_Connections = tuple[aiosqlite.Connection, aiosqlite.Connection | None]
"""The one that reads, and the one that writes, where one can."""


class Database:
    """Open with :meth:`open`. Writes go through :meth:`transaction`, one at a time; reads do not wait for them."""

    def __init__(self, path: Path, lock: Lock, reader: aiosqlite.Connection, writer: aiosqlite.Connection | None) -> None:
        self.path = path
        self._lock = lock
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, migrations: Iterable[Migration] | None = None, wait_s: float = WAIT_S) -> Database:
        """Open or create the file (mode 0600), bring its schema up to date, and keep every other Parley from it until it is closed.

        Where an up-to-date file can be read and not written, it is opened all the same: what it says holds, and each
        :meth:`transaction` fails until it can be written again. ``wait_s`` is how long another Parley may take to end.

        :raises storage.errors.StorageError: not a database, not readable, not writable and not up to date, in use by another
            Parley, or written by a newer one.
        """
        steps = all_migrations() if migrations is None else list(migrations)
        lock = Lock(path)
        async with contextlib.AsyncExitStack() as undo:
            undo.callback(lock.release)
            try:
                _make_private(path)
                await lock.wait(wait_s)
                connections: _Connections = await _open_to_write(path, steps)
            except (sqlite3.Error, OSError) as error:
                connections = await _open_to_read(path, steps, await _in_plain_words(path, error))
            undo.pop_all()
        return cls(path, lock, *connections)

    @classmethod
    async def open_beside(cls, path: Path) -> Database:
        """Open the file for a moment, also while a Parley works with it, which is not disturbed.

        :raises storage.errors.StorageError: see :meth:`open`; or the Parley that works with it is of another version.
        """
        try:
            return await cls.open(path, wait_s=0)
        except StorageError as error:
            if error.problem is not Problem.BUSY:
                raise
        steps = all_migrations()
        try:
            reader, writer = await _open_to_write(path, None)
            if (version := await version_of(path, reader, steps)) == len(steps):
                return cls(path, Lock(path), reader, writer)
            await reader.close()
            await writer.close()
        except (sqlite3.Error, OSError) as error:
            raise explained(path, error) from error
        raise StorageError(
            f"The Parley that works with {path} is another one (schema {version}, this one knows {len(steps)}).",
            "Stop it and start it again, then try once more.",
        )

    @property
    def is_writable(self) -> bool:
        """Whether it was opened to be written; writing may fail all the same."""
        return self._writer is not None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Write: all of it is kept, or after an error nothing.

        :raises storage.errors.StorageError: it could not be written.
        """
        async with self._turn:
            try:
                writer = self._writer or await self._become_writable()
                try:
                    await writer.execute("BEGIN IMMEDIATE")
                    yield writer
                    await writer.commit()
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        await writer.rollback()
                    raise
            except (sqlite3.Error, OSError) as error:
                raise explained(self.path, error) from error

    async def rows(self, query: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Read.

        :raises storage.errors.StorageError: it could not be read.
        """
        try:
            return list(await self._reader.execute_fetchall(query, parameters))
        except sqlite3.Error as error:
            raise explained(self.path, error) from error

    async def checkpoint(self) -> None:
        """Bring the journal into the main file and empty it: what was deleted is then in neither. Left undone where it cannot be."""
        async with self._turn:
            if self._writer:
                with contextlib.suppress(sqlite3.Error):
                    await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Finish and close; the worker threads of both connections end."""
        await self._reader.close()
        if self._writer:
            with contextlib.suppress(sqlite3.Error):
                await self._writer.execute("PRAGMA optimize")
            await self._writer.close()
        self._lock.release()

    async def _become_writable(self) -> aiosqlite.Connection:
        """Try again what failed when it was opened."""
        self._lock.take()
        reader, writer = await _open_to_write(self.path, None)
        old, self._reader, self._writer = self._reader, reader, writer
        await old.close()
        log.warning("The database %s can be written again.", self.path)
        return writer


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


async def _in_plain_words(path: Path, error: sqlite3.Error | OSError) -> StorageError:
    reason = explained(path, error)
    if reason.problem is not Problem.BUSY or not (users := await asyncio.to_thread(users_of, path)):
        return reason
    return StorageError(f"The database {path} is in use by {', '.join(users)}.", "Stop it, then try again.", Problem.BUSY)


async def _open_to_write(path: Path, steps: Sequence[Migration] | None) -> tuple[aiosqlite.Connection, aiosqlite.Connection]:
    async with contextlib.AsyncExitStack() as undo:
        writer = await _connect(path, PRAGMAS)
        undo.push_async_callback(writer.close)
        if steps is not None:
            await migrate(path, writer, steps)
        await writer.execute("BEGIN IMMEDIATE")
        await writer.rollback()
        reader = await _connect(path, PRAGMAS)
        undo.pop_all()
    return reader, writer


async def _open_to_read(path: Path, steps: Sequence[Migration], reason: StorageError) -> tuple[aiosqlite.Connection, None]:
    """:raises storage.errors.StorageError: the ``reason`` why it cannot be written, if it cannot be read either, or is not up to date."""
    if reason.problem not in UNWRITABLE:
        raise reason
    for uri in read_only.uris(path):
        try:
            reader = await _connect(uri, _OF_READERS)
        except sqlite3.Error:
            continue
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(reader.close)
            with contextlib.suppress(sqlite3.Error):
                if await version_of(path, reader, steps) == len(steps):
                    undo.pop_all()
                    log.error("%s What it says is used; nothing new is kept.", reason)
                    return reader, None
    raise reason


async def _connect(database: Path | str, pragmas: Iterable[str]) -> aiosqlite.Connection:
    """Open the file at a path or a ``file:`` URI."""
    await asyncio.to_thread(_try_to_open, database)
    connection = await aiosqlite.connect(database, isolation_level=None, uri=isinstance(database, str))
    try:
        connection.row_factory = sqlite3.Row
        for pragma in pragmas:
            await connection.execute(pragma)
    except BaseException:
        await connection.close()
        raise
    return connection


def _try_to_open(database: Path | str) -> None:
    """What cannot be opened is found here: aiosqlite would leave the thread of such a connection to end when it likes."""
    sqlite3.connect(database, uri=isinstance(database, str)).close()
