"""What is kept of appointments, in memory and in the database alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from calls.appointment_store import AppointmentStore, MemoryAppointments, StoredAppointments
from storage import appointments
from storage.appointments import MOST_OF_A_CHAT, RUNS_KEPT, Appointment, Method, Run, RunState
from storage.database import Database
from storage.errors import TooMany
from storage.retention import DAY_S, Retention, purge

WEEKLY = Appointment(
    chat_id=-1001, method=Method.PHONE, title="Book club", target="+34600111222", opening="Good morning!", purpose="Ask how they slept.",
    longest_s=120.0, days="mon,wed", time_of_day="09:00", time_zone="Europe/Madrid", created_by=5, created_at=1000.0,
)  # fmt: skip
ONCE = Appointment(chat_id=-1001, method=Method.GROUP, once_at=5000.0, created_at=1000.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "parley.db")
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "database"])
def store(request: pytest.FixtureRequest, database: Database) -> AppointmentStore:
    return MemoryAppointments() if request.param == "memory" else StoredAppointments(database)


def a_run(appointment: Appointment, state: RunState = RunState.RINGING, attempts: int = 1) -> Run:
    return Run(appointment.id, "2026-12-09", 2000.0, state, attempts, None, 2001.0)


async def test_what_is_kept_comes_back(store: AppointmentStore) -> None:
    weekly, once = await store.add(WEEKLY), await store.add(ONCE)
    assert (weekly, once) == (replace(WEEKLY, id=weekly.id), replace(ONCE, id=once.id))
    assert weekly.id != once.id
    run = a_run(weekly)
    assert await store.claim(run, None)
    assert await store.load() == {weekly: [run], once: []}
    await store.end(once.id, 3000.0)
    assert list(await store.load()) == [weekly]


async def test_an_occurrence_is_claimed_once(store: AppointmentStore) -> None:
    kept = await store.add(WEEKLY)
    ringing = a_run(kept)
    assert await store.claim(ringing, None)
    assert not await store.claim(ringing, None)
    waiting = replace(ringing, state=RunState.WAITING, next_try_at=2100.0)
    assert await store.claim(waiting, ringing)
    assert not await store.claim(waiting, ringing)
    assert not await store.claim(replace(waiting, state=RunState.DONE), replace(waiting, attempts=3))
    assert await store.claim(replace(waiting, state=RunState.DONE), waiting)


async def test_what_was_missed_may_be_claimed_when_its_time_comes_again(store: AppointmentStore) -> None:
    kept = await store.add(WEEKLY)
    assert await store.claim(a_run(kept, RunState.MISSED, 0), None)
    assert await store.claim(a_run(kept), None)
    ((_, runs),) = (await store.load()).items()
    assert [run.state for run in runs] == [RunState.RINGING]


async def test_a_chat_has_so_many_at_most(database: Database) -> None:
    for _ in range(MOST_OF_A_CHAT):
        await appointments.add(database, ONCE)
    with pytest.raises(TooMany) as refusal:
        await appointments.add(database, ONCE)
    assert refusal.value.key == "appointment.too_many"
    assert await appointments.add(database, replace(ONCE, chat_id=-5))


async def test_the_newest_outcomes_are_kept(database: Database) -> None:
    kept = await appointments.add(database, WEEKLY)
    for number in range(RUNS_KEPT + 5):
        assert await appointments.claim(database, Run(kept.id, f"day {number}", float(number), RunState.DONE), None)
    ((_, runs),) = (await appointments.load(database)).items()
    assert [run.due_at for run in runs] == [float(number) for number in range(5, RUNS_KEPT + 5)]


async def test_what_is_over_is_deleted_with_time(database: Database) -> None:
    ended, passed, weekly = [await appointments.add(database, each) for each in (WEEKLY, ONCE, WEEKLY)]
    assert await appointments.claim(database, a_run(ended, RunState.DONE), None)
    await appointments.end(database, ended.id, 4000.0)
    retention = Retention(transcript_days=30, audit_days=10)
    assert await purge(database, retention, 10 * DAY_S) == 0
    assert await purge(database, retention, 10 * DAY_S + 6000.0) == 2
    assert list(await appointments.load(database)) == [weekly]
    assert await database.rows("SELECT 1 FROM appointment_runs") == []
    assert passed.id not in {each.id for each in await appointments.load(database)}
