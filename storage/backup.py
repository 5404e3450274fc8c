"""Copies of the database: whole, checked, in one file, also while Parley works."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage import read_only
from storage.errors import Problem, StorageError, damaged, explained
from storage.lock import Lock
from storage.migrations import all_migrations

SUFFIXES: Final = ("", "-wal", "-shm")
"""The files that make one database in use."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was made and checked; ``schema`` is its version."""

    path: Path
    size_bytes: int
    schema: int


def backup(database: Path, target: Path) -> Copy:
    """Copy the database into the new file ``target`` (mode 0600); whoever writes meanwhile is not disturbed.

    :raises storage.errors.StorageError: there is nothing to copy, it is damaged, ``target`` exists or cannot be written.
    """
    if not database.exists():
        raise StorageError(f"There is no database {database} yet.", "Parley makes it at its first start; DATA_DIR says where.")
    if target.exists():
        raise StorageError(f"{target} exists already.", "Choose another name: no copy is ever written over.")
    copy(database, target)
    return checked(target)


def restore(source: Path, database: Path) -> Path | None:
    """Put the copy ``source`` in the place of the database; returns where the one it replaced has been put, if there was one.

    :raises storage.errors.StorageError: ``source`` is no whole copy of a Parley this one understands, or a Parley uses the database.
    """
    if not source.is_file():
        raise StorageError(f"There is no file {source}.", "Give the file that `python bot.py backup FILE` has written.")
    checked(source)
    lock = Lock(database)
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.take()
        incoming = database.with_name(f"{database.name}.restoring")
        copy(source, incoming)
        replaced = _put_aside(database)
        incoming.replace(database)
    except OSError as error:
        raise explained(database, error) from error
    finally:
        lock.release()
    return replaced


def copy(database: Path, target: Path) -> None:
    """Copy a database into one file with mode 0600, in place of ``target``, which is either whole or not touched.

    :raises storage.errors.StorageError: it could not be read or written.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with contextlib.closing(_opened(database)) as source, contextlib.closing(sqlite3.connect(partial)) as written:
            source.backup(written)
            written.execute("PRAGMA journal_mode = DELETE")
        _flush(partial)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        for suffix in ("", "-journal"):
            with contextlib.suppress(OSError):
                partial.with_name(partial.name + suffix).unlink(missing_ok=True)
        raise _of_copying(database, target, error) from error


def _of_copying(database: Path, target: Path, error: sqlite3.Error | OSError) -> StorageError:
    reason = explained(database, error)
    if reason.problem is Problem.DAMAGED:
        return reason
    return StorageError(f"{target} cannot be written ({error}).", "Choose another place, with room and the right to write.", reason.problem)


def checked(path: Path) -> Copy:
    """Look at every page of a database file.

    :raises storage.errors.StorageError: it is damaged, no database of Parley, or one of a newer Parley.
    """
    try:
        with contextlib.closing(_opened(path)) as connection:
            ((verdict,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
            ((schema,),) = connection.execute("PRAGMA user_version").fetchall()
            known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'exchanges'").fetchall()
    except sqlite3.Error as error:
        if explained(path, error).problem is Problem.DAMAGED:
            raise StorageError(f"{path} is damaged, or no database ({error}).", "Try an older copy.", Problem.DAMAGED) from error
        raise explained(path, error) from error
    if verdict != "ok":
        raise damaged(path, verdict)
    if not known or not schema:
        raise StorageError(f"{path} is not a database of Parley.", "Give the file that `python bot.py backup FILE` has written.")
    if schema > len(all_migrations()):
        raise StorageError(f"{path} was written by a newer Parley (schema {schema}).", "Update Parley first.", Problem.NEWER)
    return Copy(path, path.stat().st_size, schema)


def _opened(path: Path) -> sqlite3.Connection:
    """An existing file, to read; also where nothing can be written."""
    refused: sqlite3.Error | None = None
    for uri in read_only.uris(path):
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except sqlite3.Error as error:
            connection.close()
            refused = error
        else:
            return connection
    assert refused is not None
    raise refused


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _put_aside(database: Path) -> Path | None:
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.before-restore")
    for suffix in SUFFIXES:
        file = database.with_name(database.name + suffix)
        file_aside = aside.with_name(aside.name + suffix)
        file_aside.unlink(missing_ok=True)
        if file.exists():
            file.replace(file_aside)
    return aside
