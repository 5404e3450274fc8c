"""Several programs and one database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import chats
from storage import database as database_module
from storage.backup import backup, restore
from storage.database import Database
from storage.errors import Problem, StorageError

ROOT = Path(__file__).resolve().parents[2]
TAKE_EXCLUSIVELY = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN IMMEDIATE")
print("open", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has said that it is ready."""
    with subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def parley_with(path: Path) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return program("-m", "tests.storage.holder", str(path))


async def test_a_second_parley_is_refused_and_told_who_is_the_first(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with parley_with(path) as first, pytest.raises(StorageError, match=rf"in use by another Parley \(process {first.pid} on ") as refused:
        await Database.open(path, wait_s=0.2)
    assert refused.value.problem is Problem.BUSY
    assert "Stop that one first" in str(refused.value)


async def test_a_parley_that_was_killed_does_not_keep_the_database(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with parley_with(path) as first:
        first.kill()
        await (await Database.open(path)).close()


async def test_a_parley_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with parley_with(path) as first:
        asyncio.get_running_loop().call_later(0.3, first.kill)
        await (await Database.open(path, wait_s=30.0)).close()


async def test_a_copy_is_made_and_none_is_put_back_while_a_parley_works(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    with parley_with(path):
        await asyncio.to_thread(backup, path, tmp_path / "copy.db")
        with pytest.raises(StorageError, match="in use by another Parley"):
            restore(tmp_path / "copy.db", path)


async def test_at_the_start_another_program_in_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "PRAGMAS", ("PRAGMA busy_timeout = 100", "PRAGMA journal_mode = WAL"))
    path = tmp_path / "parley.db"
    await (await Database.open(path)).close()
    with program("-c", TAKE_EXCLUSIVELY, str(path)) as other, pytest.raises(StorageError) as refused:
        await Database.open(path)
    assert f"(process {other.pid})" in str(refused.value)
    assert "locked" not in str(refused.value)


async def test_a_short_lock_is_waited_out(database: Database) -> None:
    other = sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.3, other.execute, "COMMIT")
    assert (await chats.change(database, -5, title="patience")).title == "patience"
    other.close()


async def test_a_long_lock_is_told_in_plain_words_and_passes(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="in use by another program") as refused:
        await chats.change(database, -5, title="x")
    assert "locked" not in str(refused.value)
    assert (await chats.get(database, -5)).title == ""
    other.close()
    assert (await chats.change(database, -5, title="x")).title == "x"


async def test_writes_of_many_tasks_do_not_get_into_each_others_way(database: Database) -> None:
    async with asyncio.TaskGroup() as group:
        for chat_id in range(100):
            group.create_task(chats.change(database, chat_id, auto_join=True))
    assert len(await chats.with_auto_join(database)) == 100


async def test_a_write_that_is_broken_off_leaves_nothing_and_the_next_is_whole(database: Database) -> None:
    for _ in range(30):
        task = asyncio.create_task(chats.change(database, -5, title="broken off"))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await chats.change(database, -6, title="whole")).title == "whole"
