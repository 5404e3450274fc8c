"""``bot.py token``: made, shown once, listed, revoked, also beside a Parley that works."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot import app
from errors import ParleyError
from redaction import redacted
from storage import tokens
from storage.database import FILE_NAME, Database
from storage.migrations import all_migrations

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def ran(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["token", *arguments])
    if isinstance(result.exception, ParleyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_token_is_made_listed_and_revoked(data_dir: Path) -> None:
    assert "There has never been a token" in ran("list").stdout
    made = ran("create", "dashboard", "--scope", "calls:read", "--scope", "ws:voice", "--expires", "30d")
    told = made.stdout.strip()
    assert told.startswith("parley_")
    assert "is for calls:read, ws:voice; good until" in made.stderr
    assert told not in made.stderr
    assert redacted(f"It is {told}.") == "It is (hidden)."
    assert told not in ran("list").stdout
    assert all(told.encode() not in file.read_bytes() for file in data_dir.iterdir())
    assert "lets nobody in any more" in ran("revoke", "dashboard").stdout
    assert "revoked" in ran("list").stdout
    with pytest.raises(ParleyError, match=r"no token 'dashboard' that could be revoked. python bot\.py token list"):
        ran("revoke", "dashboard")


def test_what_is_wrong_with_a_token_is_told() -> None:
    for arguments, words in (
        (("x" * 70,), "is no name for a token. Use letters"),
        (("a", "--expires", "3"), "--expires is '3': that is no time. Write it as 12h"),
        (("a", "--expires", "0d"), "that is no time"),
    ):
        with pytest.raises(ParleyError, match=words):
            ran("create", *arguments)
    ran("create", "a")
    with pytest.raises(ParleyError, match=r"There is a token called 'a' already\. Choose another name, or revoke that one first\."):
        ran("create", "a")
    ran("revoke", "a")
    ran("create", "a")


async def test_a_parley_that_works_knows_at_once(data_dir: Path) -> None:
    """The command opens the database beside it, and brings nothing up to date that another version works with."""
    working = await Database.open(data_dir / FILE_NAME)
    older = await Database.open(data_dir / "older" / FILE_NAME, all_migrations()[:2])
    try:
        code, told, _ = await in_a_process("create", "dashboard", data_dir=data_dir)
        assert code == 0
        token = await tokens.find(working, told)
        assert token is not None
        assert token.is_good(time.time())
        assert (await in_a_process("revoke", token.token_id, data_dir=data_dir))[0] == 0
        token = await tokens.find(working, told)
        assert token is not None
        assert not token.is_good(time.time())
        code, _, why = await in_a_process("create", "dashboard", data_dir=data_dir / "older")
        assert code == 78
        assert "is another one (schema 2, this one knows" in why
        assert "Stop it and start it again, then try once more." in why
    finally:
        await working.close()
        await older.close()


async def in_a_process(*arguments: str, data_dir: Path) -> tuple[int | None, str, str]:
    """Exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bot.py", "token", *arguments),
        env=os.environ | {"DATA_DIR": str(data_dir), "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode().strip(), err.decode()


async def test_that_a_token_is_used_is_noted_now_and_then(data_dir: Path) -> None:
    database = await Database.open(data_dir / FILE_NAME)
    try:
        told, token = await tokens.create(database, "dashboard", ["admin"], 0.0)
        for now in (100.0, 130.0, 170.0):
            found = await tokens.find(database, told)
            assert found is not None
            await tokens.note_use(database, found, now)
        assert [each.last_used_at for each in await tokens.all_of_them(database)] == [170.0]
        assert await tokens.of_id(database, token.token_id) == (await tokens.all_of_them(database))[0]
    finally:
        await database.close()
