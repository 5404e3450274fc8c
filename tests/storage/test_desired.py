from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from storage import desired
from storage.database import Database
from storage.desired import MOST_ERRORS, WantedCall
from storage.migrations import all_migrations

CALL = WantedCall(chat_id=-5, title="Book club", requested_by=7, auto_joined=True, since=100.0)


async def test_a_wanted_call_is_wanted_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first = await Database.open(path)
    await desired.want(first, CALL)
    await first.close()
    second = await Database.open(path)
    assert await desired.wanted(second) == [CALL]
    await second.close()


async def test_what_a_wanted_call_is_for_is_kept_with_it_until_it_is_wanted_anew(database: Database) -> None:
    on_occasion = replace(CALL, purpose="Ask how they slept.", ends_at=400.0)
    await desired.want(database, on_occasion)
    await desired.note_failure(database, -5, 1, None)
    assert await desired.wanted(database) == [replace(on_occasion, failures=1)]
    await desired.want(database, CALL)
    assert await desired.wanted(database) == [CALL]


async def test_a_call_wanted_before_purposes_were_kept_is_wanted_still(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    before = await Database.open(path, all_migrations()[:6])
    async with before.transaction() as connection:
        await connection.execute("INSERT INTO wanted_calls VALUES (-5, 'Book club', 7, 1, 100.0, NULL, 0)")
    await before.close()
    after = await Database.open(path)
    assert await desired.wanted(after) == [CALL]
    await after.close()


async def test_the_call_wanted_longest_comes_first_and_each_chat_has_one(database: Database) -> None:
    await desired.want(database, replace(CALL, chat_id=-1, since=300.0))
    await desired.want(database, CALL)
    await desired.want(database, replace(CALL, chat_id=-1, title="Anew", since=200.0))
    assert [(call.chat_id, call.title) for call in await desired.wanted(database)] == [(-5, "Book club"), (-1, "Anew")]


async def test_an_unwanted_call_is_forgotten(database: Database) -> None:
    await desired.want(database, CALL)
    await desired.unwant(database, -5)
    await desired.unwant(database, -5)
    assert await desired.wanted(database) == []


async def test_failures_and_the_pause_after_them_are_kept_until_success(database: Database) -> None:
    await desired.want(database, CALL)
    await desired.note_failure(database, -5, 5, 700.0)
    assert await desired.wanted(database) == [replace(CALL, failures=5, paused_until=700.0)]
    await desired.note_failure(database, -5, 0, None)
    assert await desired.wanted(database) == [CALL]


async def test_a_voice_chat_left_by_hand_is_known_and_the_next_one_is_another(database: Database) -> None:
    voice_chat = 0x7FFF_FFFF_FFFF_FFFF
    await desired.left_by_hand(database, -5, voice_chat, 1.0)
    assert await desired.was_left_by_hand(database, -5, voice_chat)
    assert not await desired.was_left_by_hand(database, -6, voice_chat)
    await desired.left_by_hand(database, -5, 42, 2.0)
    assert await desired.was_left_by_hand(database, -5, 42)
    assert not await desired.was_left_by_hand(database, -5, voice_chat)


async def test_the_last_error_of_each_chat_and_no_more_than_a_few(database: Database) -> None:
    assert await desired.last_error_at(database, -5) is None
    for number in range(MOST_ERRORS + 10):
        await desired.note_error(database, -5, "gone", float(number))
    await desired.note_error(database, -6, "gone", 3.0)
    assert await desired.last_error_at(database, -5) == MOST_ERRORS + 9
    assert await desired.last_error_at(database, -6) == 3.0
    ((kept,),) = await database.rows("SELECT count(*) FROM chat_errors WHERE chat_id = -5")
    assert kept == MOST_ERRORS
