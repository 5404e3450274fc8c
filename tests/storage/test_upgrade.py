from __future__ import annotations

import stat
from pathlib import Path

import pytest

from storage import calls, chats, exchanges, transcripts
from storage.database import Database
from storage.errors import StorageError
from storage.migrations import Migration, all_migrations
from tests.storage import first_schema


def files_like(pattern: str, folder: Path) -> list[Path]:
    return list(folder.glob(pattern))


async def test_everything_of_the_first_schema_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first_schema.write(path)
    before = {table: first_schema.rows(path, table) for table in ("calls", "exchanges")}

    database = await Database.open(path)
    assert {table: first_schema.rows(path, table) for table in before} == before
    assert [call.reason for call in await calls.of_chat(database, -5)] == [None, "Bye."]
    (first, *_others) = await exchanges.of_chat(database, -5)
    assert (first.heard, first.reply_heard, first.spans_ms, first.call_id) == ("what is it?", "A house.", {"brain": 120.5}, 1)
    assert len(await transcripts.of_call(database, 1)) == 3
    assert (await chats.change(database, -5, auto_join=True)).auto_join
    await database.close()
    assert first_schema.version(path) == len(all_migrations())


async def test_a_private_copy_is_kept_as_it_was_before(tmp_path: Path) -> None:
    path, kept = tmp_path / "parley.db", tmp_path / "parley.db.before-2"
    first_schema.write(path)
    before = first_schema.rows(path, "exchanges")
    await (await Database.open(path)).close()
    assert first_schema.version(kept) == 1
    assert first_schema.rows(kept, "exchanges") == before
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_no_copy_is_made_of_a_new_database_or_of_one_that_is_up_to_date(tmp_path: Path) -> None:
    for _ in range(2):
        await (await Database.open(tmp_path / "parley.db")).close()
    assert not files_like("*.before-*", tmp_path)


async def test_an_upgrade_that_fails_changes_nothing_and_the_next_try_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first_schema.write(path)
    before = first_schema.rows(path, "exchanges")
    broken = Migration(2, "DROP TABLE exchanges; CREATE TABLE chats (chat_id); CREATE TABLE chats (chat_id);")
    with pytest.raises(StorageError, match="cannot be used"):
        await Database.open(path, [all_migrations()[0], broken])
    assert first_schema.version(path) == 1
    assert first_schema.rows(path, "exchanges") == before
    await (await Database.open(path)).close()
    assert first_schema.rows(path, "exchanges") == before


async def test_without_a_copy_there_is_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first_schema.write(path)
    (tmp_path / "parley.db.before-2").mkdir()
    with pytest.raises(StorageError, match=r"parley\.db\.before-2 cannot be written"):
        await Database.open(path)
    assert first_schema.version(path) == 1
    assert not files_like("*.partial*", tmp_path)
