"""``bot.py backup`` and ``bot.py restore`` as a person meets them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from errors import EXIT_SETTINGS
from storage import chats
from storage.database import Database
from tests.storage.test_one_at_a_time import parley_with
from tests.test_front_door import started, told


def with_title(folder: Path, title: str) -> Path:
    """Give a chat in the database of ``folder`` a title."""

    async def change() -> Path:
        database = await Database.open(folder / "data" / "parley.db")
        await chats.change(database, -5, title=title)
        await database.close()
        return database.path

    return asyncio.run(change())


def title_in(path: Path) -> str:
    async def read() -> str:
        database = await Database.open(path)
        title = (await chats.get(database, -5)).title
        await database.close()
        return title

    return asyncio.run(read())


def test_there_and_back_again(tmp_path: Path) -> None:
    path = with_title(tmp_path, "then")
    backup = started(tmp_path, "backup", "copy.db")
    assert backup.returncode == 0
    assert "✅ copy.db is a whole copy" in backup.stdout
    assert "bot.py restore copy.db" in backup.stdout
    with_title(tmp_path, "now")
    restore = started(tmp_path, "restore", "copy.db")
    assert restore.returncode == 0
    assert f"What there was before is in {path}.before-restore" in restore.stdout
    assert title_in(path) == "then"


def test_a_parley_at_work_may_be_copied_and_not_replaced(tmp_path: Path) -> None:
    path = with_title(tmp_path, "at work")
    with parley_with(path):
        assert started(tmp_path, "backup", "copy.db").returncode == 0
        restore = started(tmp_path, "restore", "copy.db")
    assert restore.returncode == EXIT_SETTINGS
    assert "is in use by another Parley (process " in told(restore)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("backup", "copy.db"), "There is no database"),
        (("restore", "copy.db"), "There is no file copy.db."),
        (("restore", ".env"), ".env is damaged, or no database"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, command: tuple[str, str], message: str) -> None:
    (tmp_path / ".env").write_text("# nothing\n" * 100, encoding="utf-8")
    run = started(tmp_path, *command)
    assert run.returncode == EXIT_SETTINGS
    assert message in told(run)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_the_help_of_each_names_the_other(tmp_path: Path, command: str) -> None:
    run = started(tmp_path, command, "--help")
    assert run.returncode == 0
    assert "bot.py restore FILE" in run.stdout or "bot.py backup FILE" in run.stdout
    assert "Stop Parley first" in run.stdout or "while it works" in run.stdout
