"""What became of commands is kept without holding them up, whatever the disk does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from handlers.audit import AuditTrail
from handlers.command import Authority, Command, Request
from storage import audit
from storage.database import Database
from tests.handlers.desk import ANN, Desk


async def limit(database: Database, pages: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(f"PRAGMA max_page_count = {pages}")


async def nothing(_request: Request) -> str:
    return ""


PING = Command(name="ping", family="service", authority=Authority.MEMBER, usage="/ping", answer=nothing)


def asked(arguments: str = "") -> Any:
    return Request(chat_id=-5, title="", sender_id=7, arguments=arguments, is_private=False)


async def test_rows_wait_for_a_full_disk_and_the_commands_do_not(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    trail = AuditTrail(database, clock=lambda: 1000.0)
    run = asyncio.create_task(trail.run())
    await limit(database, 1)
    for number in range(60):
        await trail(asked(f"{number} " + "x" * 400), PING, "done")
    await asyncio.sleep(0.1)
    assert len(await audit.newest(database, 100)) < 60
    await limit(database, 1_000_000)
    await trail.drained()
    rows = await audit.newest(database, 100)
    assert [row.arguments.split()[0] for row in reversed(rows)] == [str(number) for number in range(60)]
    run.cancel()
    await database.close()


async def test_a_command_is_answered_on_a_full_disk(desk: Desk) -> None:
    await limit(desk.services.database, 1)
    assert await desk.say("/callstatus", by=ANN)
    await limit(desk.services.database, 1_000_000)
    assert ("callstatus", "done") in await desk.results()
