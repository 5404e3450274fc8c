import sqlite3
import stat
from pathlib import Path

import pytest

from storage import calls, exchanges
from storage.database import Database
from storage.errors import StorageError
from storage.exchanges import StoredExchange
from storage.migrations import Migration, all_migrations

CHAT = -1_000_000_005_001


def an_exchange(turn_id: int = 1, at: float = 100.0) -> StoredExchange:
    return StoredExchange(
        chat_id=CHAT,
        turn_id=turn_id,
        revision=2,
        speaker="Ann",
        speaker_id=7,
        heard="what is it?",
        reply="It is a house. It is red.",
        reply_heard="It is a house.",
        interrupted=True,
        at=at,
        spans_ms={"endpointing": 700.0, "brain": 120.5},
    )


async def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "new" / "parley.db"
    database = await Database.open(path)
    call_id = await calls.begin(database, CHAT, "Book club", 10.0)
    await exchanges.add(database, an_exchange())
    await calls.end(database, call_id, "Sent away.", 20.0)
    await database.close()

    database = await Database.open(path)
    (call,) = await calls.of_chat(database, CHAT)
    assert (call.title, call.joined_at, call.left_at, call.reason) == ("Book club", 10.0, 20.0, "Sent away.")
    assert await exchanges.of_chat(database, CHAT) == [an_exchange()]
    assert await exchanges.of_chat(database, 1) == []
    await database.close()


async def test_the_newest_exchanges_come_oldest_first(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    for turn in range(5):
        await exchanges.add(database, an_exchange(turn, at=100.0 + turn))
    assert [exchange.turn_id for exchange in await exchanges.of_chat(database, CHAT, limit=2)] == [3, 4]
    await database.close()


async def test_the_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    assert stat.S_IMODE((tmp_path / "parley.db").stat().st_mode) == 0o600
    assert [tuple(row) for row in await database.rows("PRAGMA journal_mode")] == [("wal",)]
    await database.close()


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")

    async def fail_half_way() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO calls (chat_id, title, joined_at) VALUES (1, 'x', 1)")
            await connection.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StorageError, match="cannot be used"):
        await fail_half_way()
    assert await calls.of_chat(database, 1) == []
    await calls.begin(database, 1, "y", 2.0)
    await database.close()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    path.write_bytes(b"this is not a database at all " * 200)
    with pytest.raises(StorageError, match=r"parley\.db is damaged .* restore FILE`, or move it away"):
        await Database.open(path)


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="set DATA_DIR"):
        await Database.open(tmp_path / "file" / "parley.db")


async def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "parley.db").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        await Database.open(tmp_path / "parley.db")


async def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StorageError, match=r"written by a newer Parley \(schema 999"):
        await Database.open(path)


async def test_steps_are_taken_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first, second = Migration(1, "CREATE TABLE a (x);"), Migration(2, "CREATE TABLE b (x);")
    await (await Database.open(path, [first])).close()
    database = await Database.open(path, [first, second])
    assert [tuple(row) for row in await database.rows("PRAGMA user_version")] == [(2,)]
    await database.close()


async def test_a_step_that_fails_is_undone_whole(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with pytest.raises(StorageError):
        await Database.open(path, [Migration(1, "CREATE TABLE a (x); CREATE TABLE a (x);")])
    database = await Database.open(path, [Migration(1, "CREATE TABLE a (x);")])
    await database.close()


def test_the_steps_are_numbered_without_gaps(tmp_path: Path) -> None:
    assert [step.version for step in all_migrations()] == list(range(1, len(all_migrations()) + 1))
    (tmp_path / "0002_later.sql").write_text("")
    with pytest.raises(ValueError, match="numbered"):
        all_migrations(tmp_path)
