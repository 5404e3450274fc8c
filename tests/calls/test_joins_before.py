"""Joins right before a restart count after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from calls.gates import JOIN_CALL, Gates
from calls.joins_before import remember_joins
from storage import calls
from storage.database import Database


async def test_only_what_is_recent_counts(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    for at in (900.0, 995.0, 996.0, 997.0):
        await calls.begin(database, -5, "Book club", at)
    gates = Gates(lambda: 50.0)
    await remember_joins(gates, database, lambda: 1000.0)
    assert gates.wait_s(JOIN_CALL) == pytest.approx(5.5)
    await database.close()


async def test_a_database_that_cannot_be_read_costs_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = await Database.open(tmp_path / "parley.db")
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE calls RENAME COLUMN joined_at TO gone")
    gates = Gates(lambda: 50.0)
    await remember_joins(gates, database, lambda: 1000.0)
    assert gates.wait_s(JOIN_CALL) == 0.0
    assert "the last joins are not known" in caplog.text
    await database.close()
