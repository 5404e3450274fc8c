"""A disk that fails while calls go on: each trouble is told in plain words, and no call is lost. A115, K29."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from storage import calls, chats
from storage.database import Database
from storage.errors import StorageError
from tests.call_process import run_in_process
from tests.e2e.whole_parley import Scene, scene
from tests.storage.test_failing_disk import scribbled_over

TOLD = {"full": "The disk of my database is full.", "read-only": "My database cannot be written.", "damaged": "My database is damaged."}


async def fill(database: Database) -> None:
    while True:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO chats (chat_id, persona) VALUES (random(), hex(zeroblob(1500)))")


async def spoil(database: Database, how: str) -> None:
    assert database._writer is not None
    match how:
        case "full":
            await database._writer.execute("PRAGMA max_page_count = 1")
            with pytest.raises(StorageError, match="is full"):
                await fill(database)
        case "read-only":
            await database._writer.execute("PRAGMA query_only = ON")
        case _:
            await database.checkpoint()
            await asyncio.to_thread(scribbled_over, database.path)
            for connection in (database._reader, database._writer):
                await connection.execute("PRAGMA shrink_memory")


async def mend(database: Database) -> None:
    assert database._writer is not None
    await database._writer.execute("PRAGMA max_page_count = 1000000")
    await database._writer.execute("PRAGMA query_only = OFF")


def to_owner(club: Scene) -> list[str]:
    return [message.content.text for message in club.telegram.messages(club.parley)]


async def while_calls_go_on(folder: str, how: str) -> None:
    opened: list[Database] = []
    opening = Database.open

    async def remembered(*arguments: Any) -> Database:
        opened.append(await opening(*arguments))
        return opened[-1]

    Database.open = remembered  # type: ignore[method-assign,assignment]
    async with scene(folder) as club:
        club.telegram.start_voice_chat(club.group, club.ann)
        club.telegram.crowd(club.group, 2)
        async with club.running():
            assert "I am in the voice chat" in await club.command("/joincall")
            await spoil(opened[0], how)
            assert TOLD[how] in await club.command(f"/persona {'🦜' * 990}")
            assert club.is_in
            assert "left" in await club.command("/leavecall")
            assert not club.is_in
            assert "I am in the voice chat" in await club.command("/joincall")
            assert club.is_in
            if how != "full":  # the few rows of two calls may fit into pages that are there
                await club.until(lambda: [text for text in to_owner(club) if TOLD[how] in text])
            assert "In Call: ✅ Yes" in await club.command("/callinfo")
            assert len(to_owner(club)) <= 1
            await mend(opened[0])
        assert not club.is_in
    if how == "damaged":
        return
    database = await opening(Path(folder) / "parley.db")
    assert (await chats.get(database, club.chat_id)).persona is None
    assert len(await calls.of_chat(database, club.chat_id)) == 2
    await database.close()


@pytest.mark.parametrize("how", TOLD)
def test_calls_go_on(tmp_path: Path, how: str) -> None:
    run_in_process(while_calls_go_on, str(tmp_path), how)
