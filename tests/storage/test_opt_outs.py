from __future__ import annotations

from storage import opt_outs
from storage.database import Database
from storage.opt_outs import OptOut


async def test_an_opt_out_is_of_one_chat_and_can_be_taken_back(database: Database) -> None:
    assert await opt_outs.add(database, -5, 7, "Ann", 10.0)
    assert not await opt_outs.add(database, -5, 7, "Ann again", 20.0)
    assert await opt_outs.is_out(database, -5, 7)
    assert not await opt_outs.is_out(database, -6, 7)
    assert not await opt_outs.is_out(database, -5, 8)
    assert await opt_outs.remove(database, -5, 7)
    assert not await opt_outs.remove(database, -5, 7)
    assert not await opt_outs.is_out(database, -5, 7)


async def test_the_list_shows_who_and_since_when(database: Database) -> None:
    await opt_outs.add(database, -5, 8, "Bob", 20.0)
    await opt_outs.add(database, -5, 7, "Ann", 10.0)
    await opt_outs.add(database, -6, 9, "Cem", 5.0)
    assert await opt_outs.of_chat(database, -5) == [OptOut(7, "Ann", 10.0), OptOut(8, "Bob", 20.0)]
