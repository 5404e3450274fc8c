"""Bringing the tables of a database up to date, with a copy of it made first."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import aiosqlite

from storage.backup import copy
from storage.errors import Problem, StorageError, damaged
from storage.migrations import Migration

log = logging.getLogger(__name__)


async def version_of(path: Path, connection: aiosqlite.Connection, migrations: Sequence[Migration]) -> int:
    """The schema of a database that is whole; 0: it is new.

    :raises storage.errors.StorageError: it is damaged, or was written by a newer Parley.
    """
    ((verdict,),) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    if verdict != "ok":
        raise damaged(path, verdict)
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > len(migrations):
        raise StorageError(
            f"The database {path} was written by a newer Parley (schema {version}, this one knows {len(migrations)}).",
            "Update Parley, or set DATA_DIR to another folder.",
            Problem.NEWER,
        )
    return int(version)


async def migrate(path: Path, connection: aiosqlite.Connection, migrations: Sequence[Migration]) -> None:
    """Take the steps that are missing. A database with anything in it is copied to ``NAME.before-N`` first, N being the first step.

    :raises storage.errors.StorageError: see :func:`version_of`; or the copy cannot be made, and then no step is taken.
    """
    version = await version_of(path, connection, migrations)
    missing = migrations[version:]
    if missing and version:
        kept = path.with_name(f"{path.name}.before-{missing[0].version}")
        await asyncio.to_thread(copy, path, kept)
        log.info("The database is brought to schema %d; as it was before, it is kept in %s.", len(migrations), kept)
    for step in missing:
        await _take(step, connection)


async def _take(step: Migration, connection: aiosqlite.Connection) -> None:
    """One step and its number, in one transaction."""
    try:
        await connection.executescript(f"BEGIN IMMEDIATE;\n{step.statements}\nPRAGMA user_version = {step.version};\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            await connection.rollback()
        raise
