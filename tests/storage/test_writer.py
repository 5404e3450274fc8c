from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from functools import partial

import pytest

from storage.errors import Problem, StorageError
from storage.writer import MOST_WAITING, Writer


class Disk:
    """Takes what is written, unless something is wrong with it."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.attempts = 0
        self.problem: Problem | None = None
        self.tried_often = asyncio.Event()

    async def write(self, number: int) -> None:
        self.attempts += 1
        if self.attempts == 4:
            self.tried_often.set()
        if self.problem:
            raise StorageError("It cannot be written.", "Mend it.", self.problem)
        self.written.append(number)


@contextlib.asynccontextmanager
async def working(writer: Writer) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    yield
    assert not task.done()
    task.cancel()


def note(writer: Writer, disk: Disk, numbers: Iterable[int]) -> None:
    for number in numbers:
        writer.note(partial(disk.write, number))


async def test_everything_is_written_in_order() -> None:
    disk, writer = Disk(), Writer()
    async with working(writer):
        note(writer, disk, range(100))
        await writer.drained()
    assert disk.written == list(range(100))
    assert writer.dropped == 0


@pytest.mark.parametrize("problem", [Problem.FULL, Problem.READ_ONLY, Problem.BUSY, Problem.DISK])
async def test_what_comes_while_the_disk_cannot_be_written_is_written_later(problem: Problem, caplog: pytest.LogCaptureFixture) -> None:
    told: list[StorageError] = []
    disk, writer = Disk(), Writer(told.append, retry_s=0.001)
    disk.problem = problem
    async with working(writer):
        note(writer, disk, range(5))
        await disk.tried_often.wait()
        disk.problem = None
        await writer.drained()
    assert disk.written == list(range(5))
    assert writer.dropped == 0
    assert [error.problem for error in told] == [problem]
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "What happens now is not stored: It cannot be written. Mend it."
    ]
    assert "stored again" in caplog.text


async def test_at_the_end_a_disk_that_is_full_keeps_nobody_waiting() -> None:
    disk, writer = Disk(), Writer(retry_s=3600)
    disk.problem = Problem.FULL
    async with working(writer):
        note(writer, disk, range(50))
        await writer.drained()
        assert writer.dropped == 50
        disk.problem = None
        note(writer, disk, range(2))
        await writer.drained()
    assert disk.written == [0, 1]


async def test_a_damaged_file_is_told_once_and_nothing_waits_for_it() -> None:
    told: list[StorageError] = []
    disk, writer = Disk(), Writer(told.append, retry_s=3600)
    disk.problem = Problem.DAMAGED
    async with working(writer):
        note(writer, disk, range(50))
        await writer.drained()
    assert writer.dropped == 50
    assert len(told) == 1


async def test_each_new_trouble_is_told() -> None:
    told: list[StorageError] = []
    disk, writer = Disk(), Writer(told.append)
    async with working(writer):
        for problem in (Problem.DAMAGED, Problem.OTHER, None, Problem.OTHER):
            disk.problem = problem
            note(writer, disk, range(2))
            await writer.drained()
    assert [error.problem for error in told] == [Problem.DAMAGED, Problem.OTHER, Problem.OTHER]


async def test_no_more_than_so_many_wait() -> None:
    disk, writer = Disk(), Writer()
    note(writer, disk, range(MOST_WAITING))
    assert not writer.note(lambda: disk.write(0))
    assert writer.dropped == 1


async def test_a_mistake_in_one_write_does_not_stop_the_others() -> None:
    async def mistaken() -> None:
        raise KeyError("x")

    disk, writer = Disk(), Writer()
    async with working(writer):
        writer.note(mistaken)
        note(writer, disk, range(2))
        await writer.drained()
    assert (disk.written, writer.dropped) == ([0, 1], 1)
