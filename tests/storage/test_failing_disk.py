"""A disk that is full, a file that is read-only, a file that is damaged: each is told in plain words, and what can go on goes on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from calls.events import CallEvent, CallJoined, CallLeft, EventBus, ExchangeEnded, StorageFailed, TurnIgnored
from calls.recorder import Recorder
from storage import calls, chats, desired, exchanges, transcripts
from storage import errors as storage_errors
from storage.database import Database
from storage.errors import Problem, StorageError, explained
from tests.storage import first_schema

ROOT = Path(__file__).resolve().parents[2]
CHAT = -5
JOINED = CallJoined(chat_id=CHAT, at_s=0.0, title="Book club")
LEFT = CallLeft(chat_id=CHAT, at_s=9.0, reason="Sent away.")
IGNORED = TurnIgnored(chat_id=CHAT, at_s=2.0, turn_id=2, speaker="Bob", speaker_id=8, text="pass the salt", reason="not addressed")
ANSWERED = ExchangeEnded(
    chat_id=CHAT, at_s=1.0, turn_id=1, revision=0, speaker="Ann", speaker_id=7, heard="what is it? " * 500, reply="A house.",
    reply_heard="A house.", interrupted=False,
)  # fmt: skip


def as_somebody(how: str, path: Path) -> Any:
    """Use a database as ``nobody``, or where no file may be larger than so many bytes."""
    command = [sys.executable, "-m", "tests.storage.unprivileged", how, str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can look into; at the end everything in it can be deleted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def make_read_only(path: Path, folder_mode: int) -> None:
    path.chmod(0o444)
    path.parent.chmod(folder_mode)


async def with_a_wanted_call(path: Path) -> None:
    database = await Database.open(path)
    await desired.want(database, desired.WantedCall(CHAT, "Book club", 7, False, 1.0))
    await chats.change(database, CHAT, title="Book club")
    await database.close()


class Troubles:
    """What is told of storage."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.first = asyncio.Event()

    def __call__(self, event: CallEvent) -> None:
        if isinstance(event, StorageFailed):
            self.told.append(event.what)
            self.first.set()


@contextlib.asynccontextmanager
async def recorded(database: Database) -> AsyncIterator[tuple[EventBus, Recorder, Troubles]]:
    """A bus with a recorder at work, and the troubles with storage that are told on it."""
    bus, troubles = EventBus(), Troubles()
    recorder = Recorder(database, publish=bus.publish)
    bus.subscribe(recorder)
    bus.subscribe(troubles)
    task = asyncio.create_task(recorder.run())
    yield bus, recorder, troubles
    assert not task.done()
    task.cancel()


async def limit(database: Database, pages: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_call_that_meets_a_full_disk_is_stored_whole_when_there_is_room_again(database: Database) -> None:
    async with recorded(database) as (bus, recorder, troubles):
        bus.publish(JOINED)
        await recorder.drained()
        await limit(database, 1)
        for event in (*[ANSWERED] * 30, IGNORED, LEFT):
            bus.publish(event)
        await troubles.first.wait()
        assert len(await exchanges.of_chat(database, CHAT)) < 30
        await limit(database, 1_000_000)
        await recorder.drained()
    (told,) = troubles.told
    assert "is full" in told
    assert "Make room on it" in told
    assert recorder.dropped == 0
    (call,) = await calls.of_chat(database, CHAT)
    assert call.reason == "Sent away."
    assert len(await transcripts.of_call(database, call.id)) == 31


async def test_a_command_on_a_full_disk_is_told_so_and_what_was_set_holds(database: Database) -> None:
    await chats.change(database, CHAT, title="before")
    await limit(database, 1)
    with pytest.raises(StorageError, match="is full") as refused:
        await chats.change(database, CHAT, title="after", persona="a pirate " * 10_000)
    assert refused.value.problem is Problem.FULL
    assert refused.value.key == "storage.full"
    assert (await chats.get(database, CHAT)).title == "before"


async def test_files_that_may_not_grow_at_the_start_and_later(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    await with_a_wanted_call(path)
    came = as_somebody(str(512 * 1024), path)
    assert came["wanted"] == [CHAT]
    assert came["title"] == "Book club"
    assert "The disk of the database" in came["writing"]


async def test_an_upgrade_without_room_for_the_copy_is_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first_schema.write(path, exchanges=400, words="what is it? " * 100)
    came = as_somebody(str(path.stat().st_size // 2), path)
    assert "cannot be written" in came["opening"]
    assert "with room" in came["opening"]
    assert first_schema.version(path) == 1
    assert len(first_schema.rows(path, "exchanges")) == 400
    await (await Database.open(path)).close()
    assert len(first_schema.rows(path, "exchanges")) == 400


@pytest.mark.parametrize("folder_mode", [0o755, 0o555])
async def test_a_read_only_file_is_used_for_what_it_says(shared: Path, folder_mode: int) -> None:
    path = shared / "parley.db"
    await with_a_wanted_call(path)
    make_read_only(path, folder_mode)
    came = as_somebody("nobody", path)
    assert came["wanted"] == [CHAT]
    assert came["writable"] is False
    assert "cannot be written" in came["writing"]
    assert "Give Parley the right to write there, or set DATA_DIR." in came["writing"]


async def test_a_read_only_file_of_an_older_schema_is_told(shared: Path) -> None:
    path = shared / "parley.db"
    first_schema.write(path)
    make_read_only(path, 0o555)
    assert "cannot be written" in as_somebody("nobody", path)["opening"]


async def test_a_file_that_may_not_be_read_is_told(shared: Path) -> None:
    path = shared / "parley.db"
    await with_a_wanted_call(path)
    path.chmod(0o600 if os.geteuid() == 0 else 0)
    assert "Give Parley the right" in as_somebody("nobody", path)["opening"]


async def test_a_file_that_becomes_read_only_during_a_call_costs_the_call_nothing(database: Database) -> None:
    async with recorded(database) as (bus, recorder, troubles):
        bus.publish(JOINED)
        await recorder.drained()
        assert database._writer is not None
        await database._writer.execute("PRAGMA query_only = ON")
        bus.publish(ANSWERED)
        await troubles.first.wait()
        await database._writer.execute("PRAGMA query_only = OFF")
        bus.publish(LEFT)
        await recorder.drained()
    assert recorder.dropped == 0
    assert [call.reason for call in await calls.of_chat(database, CHAT)] == ["Sent away."]


async def test_a_database_opened_read_only_is_written_once_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "parley.db"
    await with_a_wanted_call(path)

    def refuse(_path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as read_only:
        read_only.setattr("storage.database._make_private", refuse)
        database = await Database.open(path)
    assert not database.is_writable
    assert [call.chat_id for call in await desired.wanted(database)] == [CHAT]
    await desired.unwant(database, CHAT)
    assert database.is_writable
    assert await desired.wanted(database) == []
    await database.close()


def scribbled_over(path: Path) -> None:
    """Write nonsense over all of a file but its first page."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"nonsense" * ((path.stat().st_size - 4096) // 8))


async def test_a_file_that_is_damaged_during_a_call_costs_the_call_nothing(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    database = await Database.open(path)
    async with recorded(database) as (bus, recorder, troubles):
        for event in (JOINED, *[ANSWERED] * 20):
            bus.publish(event)
        await recorder.drained()
        await database.checkpoint()
        await asyncio.to_thread(scribbled_over, path)
        for connection in (database._reader, database._writer):
            assert connection is not None
            await connection.execute("PRAGMA shrink_memory")
        for event in (ANSWERED, IGNORED, LEFT):
            bus.publish(event)
        await recorder.drained()
    (told,) = troubles.told
    assert "is damaged" in told
    assert "bot.py restore FILE" in told
    await database.close()


async def test_a_damaged_file_is_told_at_the_start_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first_schema.write(path, exchanges=300)
    await asyncio.to_thread(scribbled_over, path)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"is damaged .* restore FILE`, or move it away") as refused:
        await Database.open(path)
    assert refused.value.problem is Problem.DAMAGED
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("number", "problem"),
    [(errno.ENOSPC, Problem.FULL), (errno.EROFS, Problem.READ_ONLY), (errno.EIO, Problem.DISK), (errno.EMFILE, Problem.OTHER)],
)
def test_what_the_system_refuses_is_understood(tmp_path: Path, number: int, problem: Problem) -> None:
    error = explained(tmp_path / "parley.db", OSError(number, os.strerror(number)))
    assert error.problem is problem
    assert os.strerror(number) in str(error)


def test_a_disk_that_fails_because_it_is_full_is_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_errors, "LEAST_ROOM_BYTES", 2**80)
    assert explained(tmp_path / "parley.db", OSError(errno.EIO, "x")).problem is Problem.FULL
