from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from storage import chats
from storage.backup import backup, restore
from storage.database import Database
from storage.errors import StorageError
from storage.migrations import all_migrations
from tests.storage import first_schema


async def with_a_chat(path: Path, title: str) -> None:
    database = await Database.open(path)
    await chats.change(database, -5, title=title)
    await database.close()


async def title_in(path: Path) -> str:
    database = await Database.open(path)
    title = (await chats.get(database, -5)).title
    await database.close()
    return title


async def test_a_copy_is_put_back_and_what_it_replaces_is_put_aside(tmp_path: Path) -> None:
    path, file = tmp_path / "parley.db", tmp_path / "copy.db"
    await with_a_chat(path, "then")
    copy = backup(path, file)
    assert (copy.path, copy.schema, copy.size_bytes) == (file, len(all_migrations()), file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await with_a_chat(path, "now")
    aside = restore(file, path)
    assert aside is not None
    assert await title_in(path) == "then"
    assert await title_in(aside) == "now"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_copy_is_made_while_parley_writes(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    await chats.change(database, -5, title="in the journal only")
    async with database.transaction() as connection:
        await connection.execute("UPDATE chats SET title = 'not finished'")
        backup(database.path, tmp_path / "copy.db")
    await database.close()
    assert await title_in(tmp_path / "copy.db") == "in the journal only"


async def test_a_copy_is_restored_where_there_is_nothing(tmp_path: Path) -> None:
    await with_a_chat(tmp_path / "parley.db", "moved")
    backup(tmp_path / "parley.db", tmp_path / "copy.db")
    assert restore(tmp_path / "copy.db", tmp_path / "new" / "folder" / "parley.db") is None
    assert await title_in(tmp_path / "new" / "folder" / "parley.db") == "moved"


async def test_a_copy_replaces_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    await with_a_chat(path, "whole")
    backup(path, tmp_path / "copy.db")
    path.write_bytes(b"torn to pieces " * 1000)
    restore(tmp_path / "copy.db", path)
    assert await title_in(path) == "whole"


async def test_what_a_crash_left_in_the_journal_does_not_get_into_the_restored_database(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    await with_a_chat(path, "restored")
    backup(path, tmp_path / "copy.db")
    database = await Database.open(path)
    await chats.change(database, -5, title="after the copy")
    files = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    await database.close()
    for suffix, content in files.items():
        path.with_name(path.name + suffix).write_bytes(content)
    aside = restore(tmp_path / "copy.db", path)
    assert aside is not None
    assert await title_in(path) == "restored"
    assert await title_in(aside) == "after the copy"


async def test_a_copy_of_the_first_schema_is_brought_up_to_date_at_the_next_start(tmp_path: Path) -> None:
    first_schema.write(tmp_path / "old.db")
    restore(tmp_path / "old.db", tmp_path / "parley.db")
    await (await Database.open(tmp_path / "parley.db")).close()
    assert first_schema.version(tmp_path / "parley.db") == len(all_migrations())
    assert len(first_schema.rows(tmp_path / "parley.db", "exchanges")) == 3


def test_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There is no database"):
        backup(tmp_path / "parley.db", tmp_path / "copy.db")
    assert not list(tmp_path.iterdir())


async def test_no_file_is_written_over(tmp_path: Path) -> None:
    await with_a_chat(tmp_path / "parley.db", "x")
    (tmp_path / "letter.txt").write_text("dear Ann")
    with pytest.raises(StorageError, match="exists already"):
        backup(tmp_path / "parley.db", tmp_path / "letter.txt")
    assert (tmp_path / "letter.txt").read_text() == "dear Ann"


async def test_a_copy_that_can_be_written_nowhere(tmp_path: Path) -> None:
    await with_a_chat(tmp_path / "parley.db", "x")
    with pytest.raises(StorageError, match=r"cannot be written .* Choose another place"):
        backup(tmp_path / "parley.db", tmp_path / "no" / "such" / "folder" / "copy.db")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE exchanges (x); PRAGMA user_version = 999;")


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE songs (x); PRAGMA user_version = 1;")


def torn(path: Path) -> None:
    first_schema.write(path, exchanges=500)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def no_database(path: Path) -> None:
    path.write_text("dear Ann " * 1000)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (newer, "written by a newer Parley"),
        (foreign, "not a database of Parley"),
        (torn, "is damaged"),
        (no_database, "is damaged, or no database"),
        (lambda path: path.touch(), "not a database of Parley"),
        (lambda path: path.mkdir(), "There is no file"),
        (lambda path: None, "There is no file"),
    ],
)
async def test_what_is_no_copy_is_refused_and_nothing_is_touched(tmp_path: Path, write: object, told: str) -> None:
    await with_a_chat(tmp_path / "parley.db", "untouched")
    assert callable(write)
    write(tmp_path / "copy.db")
    with pytest.raises(StorageError, match=told):
        restore(tmp_path / "copy.db", tmp_path / "parley.db")
    assert await title_in(tmp_path / "parley.db") == "untouched"
