"""The tasks of one conversation."""

from __future__ import annotations

import asyncio
import logging

import pytest

from calls.guarded_tasks import GuardedTasks
from engines import Part, Remedy, Trouble, tell_of_trouble

TROUBLE = Trouble(Part.SPEAKING, "some engine", "it hung", Remedy.RETRIED)


async def test_a_task_that_fails_is_logged_and_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()
    tasks = GuardedTasks(-100, lambda _trouble: None)

    async def fail() -> None:
        raise ValueError("broken")

    async def finish() -> None:
        await asyncio.sleep(0)
        done.set()

    with caplog.at_level(logging.ERROR):
        await tasks.run(fail(), finish(), until=_waiting_for(done))
    assert done.is_set()
    assert "a task of the conversation failed" in caplog.text


async def test_what_was_started_in_the_meantime_ends_with_it() -> None:
    started = asyncio.Event()
    tasks = GuardedTasks(-100, lambda _trouble: None)

    async def forever() -> None:
        started.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(tasks.run(until=_waiting_for(asyncio.Event())))
    await asyncio.sleep(0)
    late = tasks.spawn(forever())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert late.cancelled()


async def test_troubles_of_engines_are_told_from_every_task() -> None:
    told: list[Trouble] = []
    tasks = GuardedTasks(-100, told.append)

    async def trouble() -> None:
        tell_of_trouble(TROUBLE)

    await tasks.run(trouble(), trouble(), until=asyncio.sleep(0))
    assert told == [TROUBLE, TROUBLE]


async def _waiting_for(event: asyncio.Event) -> None:
    await event.wait()
