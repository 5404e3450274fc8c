from __future__ import annotations

from pathlib import Path

from storage import obeyed
from storage.database import Database
from storage.obeyed import MOST_KEPT


async def test_a_message_is_obeyed_once_even_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first = await Database.open(path)
    assert not await obeyed.done(first, -5, 10)
    assert await obeyed.note(first, -5, 10)
    await first.close()
    second = await Database.open(path)
    assert await obeyed.done(second, -5, 10)
    assert not await obeyed.note(second, -5, 10)
    await second.close()


async def test_catching_up_begins_after_the_newest_message_of_each_chat(database: Database) -> None:
    assert await obeyed.newest_message(database, -5) == 0
    for chat_id, message_id in ((-5, 10), (-5, 30), (-5, 20), (-6, 7)):
        assert await obeyed.note(database, chat_id, message_id)
    assert await obeyed.newest_message(database, -5) == 30
    assert await obeyed.newest_message(database, -6) == 7
    assert await obeyed.chats(database) == [-6, -5]


async def test_an_older_message_that_was_overlooked_may_be_obeyed(database: Database) -> None:
    await obeyed.note(database, -5, 30)
    assert not await obeyed.done(database, -5, 29)
    assert await obeyed.note(database, -5, 29)


async def test_only_the_newest_are_kept_and_what_is_older_is_never_obeyed_again(database: Database) -> None:
    last = MOST_KEPT + 3
    for message_id in range(1, last + 1):
        assert await obeyed.note(database, -5, message_id)
    ((kept,),) = await database.rows("SELECT count(*) FROM obeyed")
    assert kept == MOST_KEPT
    assert await obeyed.done(database, -5, 1)
    assert not await obeyed.note(database, -5, 1)
    assert await obeyed.newest_message(database, -5) == last
