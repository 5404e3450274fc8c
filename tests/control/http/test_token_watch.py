"""Whoever was let in by a token is sent away soon after it is revoked or too old, at the cost of one question for all."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from control.http.token_watch import TOKEN_GONE, TOKEN_NEEDED, TokenWatch
from storage import tokens
from storage.database import Database
from storage.errors import Problem, StorageError
from tests.calls.virtual_time import run_in_virtual_time


class Table:
    """The tokens: which are good is a matter of time, and how often that is asked is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, good: set[str]) -> None:
        self.good, self.asked, self.fails = good, 0, False
        monkeypatch.setattr(tokens, "good_ids", self.good_ids)
        monkeypatch.setattr(tokens, "any_ever", self.any_ever)

    async def good_ids(self, _database: Database, _now: float) -> frozenset[str]:
        self.asked += 1
        if self.fails:
            raise StorageError("The disk is gone.", problem=Problem.DISK)
        return frozenset(self.good)

    async def any_ever(self, _database: Database) -> bool:
        return bool(self.good)


def watch_over() -> TokenWatch:
    unused: Any = None
    return TokenWatch(unused, lambda: 0.0)


def test_a_thousand_calls_are_one_question_and_end_within_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def revoked() -> tuple[list[str], int]:
        table, gone = Table(monkeypatch, {"a", "b"}), list[str]()
        watch = watch_over()
        for _ in range(1000):
            watch.add("a", gone.append)
        stays = watch.add("b", lambda _reason: gone.append("b is good"))
        await asyncio.sleep(10.1)
        assert table.asked == 5
        table.good.remove("a")
        await asyncio.sleep(5)
        ended = list(gone)
        stays()
        asked = table.asked
        await asyncio.sleep(100)
        return ended, table.asked - asked

    ended, afterwards = run_in_virtual_time(revoked())
    assert ended == [TOKEN_GONE] * 1000
    assert afterwards == 0, "nobody is watched any more"


def test_who_needed_no_token_needs_one_from_the_first_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def first_token() -> tuple[list[str], list[str]]:
        table, gone = Table(monkeypatch, set()), list[str]()
        watch_over().add(None, gone.append)
        await asyncio.sleep(10)
        before = list(gone)
        table.good.add("a")
        await asyncio.sleep(5)
        return before, gone

    assert run_in_virtual_time(first_token()) == ([], [TOKEN_NEEDED])


def test_a_disk_that_does_not_answer_sends_nobody_away(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> tuple[list[str], list[str]]:
        table, gone = Table(monkeypatch, {"a"}), list[str]()
        watch_over().add("a", gone.append)
        table.fails = True
        await asyncio.sleep(10)
        before = list(gone)
        table.fails, table.good = False, set()
        await asyncio.sleep(5)
        return before, gone

    with caplog.at_level(logging.WARNING):
        assert run_in_virtual_time(failing()) == ([], [TOKEN_GONE])
    assert "The disk is gone." in caplog.text


async def test_tokens_that_let_somebody_in(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "tokens.db")
    try:
        made = {
            name: (await tokens.create(database, name, ("admin",), 0.0, ends))[1] for name, ends in (("a", None), ("b", 50.0), ("c", 9.0))
        }
        await tokens.revoke(database, "a", 5.0)
        assert await tokens.good_ids(database, 8.0) == {made["b"].token_id, made["c"].token_id}
        assert await tokens.good_ids(database, 9.0) == {made["b"].token_id}
        assert await tokens.good_ids(database, 50.0) == set()
    finally:
        await database.close()
