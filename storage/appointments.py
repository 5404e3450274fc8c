"""Calls that were asked for ahead of their time, and what became of each occurrence. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from storage.database import Database
from storage.errors import TooMany

MOST_OF_A_CHAT: Final = 50
MOST: Final = 1_000
RUNS_KEPT: Final = 40
"""The newest occurrences of an appointment whose outcome is kept."""


class Method(StrEnum):
    """How somebody is called."""

    GROUP = "group"
    """Parley joins the voice chat of a group."""
    PRIVATE = "private"
    """Parley phones somebody on Telegram."""
    BROWSER = "browser"
    """Somebody is sent a link to the call page."""
    PHONE = "phone"
    """Parley phones a telephone number."""


class RunState(StrEnum):
    """How far one occurrence has come."""

    RINGING = "ringing"
    """Claimed: somebody is being called."""
    WAITING = "waiting"
    """It is tried (again) at ``next_try_at``."""
    DONE = "done"
    """The call was answered, or the link was sent."""
    FAILED = "failed"
    QUIET = "quiet"
    """Left out because of quiet hours."""
    MISSED = "missed"
    """Parley did not work when it was due."""
    CANCELLED = "cancelled"


OPEN: Final = frozenset({RunState.RINGING, RunState.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A call, or many, at a time.

    ``chat_id`` is the chat it was asked for in: its persona, language, quiet hours and time zone hold. ``target`` is a user id or ``@name``
    (private), a number such as +34600111222 (phone), or empty: the chat itself. Either ``once_at`` is set, or ``days`` (such as
    ``mon,wed``) and ``time_of_day`` (``HH:MM``) on the clock on the wall in ``time_zone``. ``opening`` is said first, ``purpose`` is what
    the brain is told of the call. ``id`` is 0 until it is kept.
    """

    chat_id: int
    method: Method
    id: int = 0
    title: str = ""
    target: str = ""
    opening: str = ""
    purpose: str = ""
    longest_s: float = 300.0
    once_at: float | None = None
    days: str = ""
    time_of_day: str = ""
    time_zone: str = "UTC"
    created_by: int = 0
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One occurrence of an appointment: ``occurrence`` names it, a date or ``once``; ``attempts`` counts the calls."""

    appointment_id: int
    occurrence: str
    due_at: float
    state: RunState
    attempts: int = 0
    next_try_at: float | None = None
    changed_at: float = 0.0


_COLUMNS: Final = tuple(field.name for field in fields(Appointment) if field.name != "id")
_RUN: Final = ", ".join(field.name for field in fields(Run))
_RUN_PLACES: Final = ", ".join("?" * len(fields(Run)))


async def add(database: Database, appointment: Appointment) -> Appointment:
    """Keep a new one; it is returned with its id.

    :raises storage.errors.TooMany: there are as many as there may be, in the chat or altogether.
    :raises storage.errors.StorageError: it could not be kept.
    """
    values = [getattr(appointment, name) for name in _COLUMNS]
    async with database.transaction() as connection:
        ((here, everywhere),) = await connection.execute_fetchall(
            "SELECT count(*) FILTER (WHERE chat_id = ?), count(*) FROM appointments WHERE ended_at IS NULL", (appointment.chat_id,)
        )
        if here >= MOST_OF_A_CHAT or everywhere >= MOST:
            raise TooMany(
                f"There are {here} appointments here already, and {everywhere} in all.", "Cancel one first: /unschedule.",
                key="appointment.too_many", fields={"count": here},
            )  # fmt: skip
        cursor = await connection.execute(
            f"INSERT INTO appointments ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})", values
        )
    assert cursor.lastrowid is not None
    return replace(appointment, id=cursor.lastrowid)


async def load(database: Database) -> dict[Appointment, list[Run]]:
    """All that have not ended, oldest first, and what is kept of their occurrences."""
    names = ", ".join(("id", *_COLUMNS))
    rows = await database.rows(f"SELECT {names} FROM appointments WHERE ended_at IS NULL ORDER BY id")
    found = {appointment.id: appointment for appointment in map(_appointment, rows)}
    kept: dict[Appointment, list[Run]] = {appointment: [] for appointment in found.values()}
    for row in await database.rows(f"SELECT {_RUN} FROM appointment_runs ORDER BY due_at"):
        run = _run(row)
        if appointment := found.get(run.appointment_id):
            kept[appointment].append(run)
    return kept


async def end(database: Database, appointment_id: int, at: float) -> None:
    """No more occurrences."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE appointments SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (at, appointment_id))


async def claim(database: Database, run: Run, before: Run | None) -> bool:
    """Keep how an occurrence goes on, if nobody else has done so since it was as ``before``; whether that was so.

    An occurrence that was missed counts as one that nobody has claimed: when the clock was wrong, its time may come again.
    """
    key = (run.appointment_id, run.occurrence)
    async with database.transaction() as connection:
        if before is None:
            cursor = await connection.execute(
                f"INSERT INTO appointment_runs ({_RUN}) VALUES ({_RUN_PLACES}) ON CONFLICT DO UPDATE SET due_at = excluded.due_at,"
                " state = excluded.state, attempts = excluded.attempts, next_try_at = excluded.next_try_at,"
                " changed_at = excluded.changed_at WHERE state = 'missed'",
                astuple(run),
            )
        else:
            cursor = await connection.execute(
                "UPDATE appointment_runs SET state = ?, attempts = ?, next_try_at = ?, changed_at = ?"
                " WHERE appointment_id = ? AND occurrence = ? AND state = ? AND attempts = ?",
                (run.state, run.attempts, run.next_try_at, run.changed_at, *key, before.state, before.attempts),
            )
        claimed = cursor.rowcount > 0
        await connection.execute(
            "DELETE FROM appointment_runs WHERE appointment_id = ?1 AND occurrence NOT IN"
            " (SELECT occurrence FROM appointment_runs WHERE appointment_id = ?1 ORDER BY due_at DESC LIMIT ?2)",
            (run.appointment_id, RUNS_KEPT),
        )
    return claimed


async def purge_older(database: Database, at: float) -> int:
    """Delete what ended before ``at``, and what was for one time before it; returns how many that were."""
    async with database.transaction() as connection:
        return int((await connection.execute("DELETE FROM appointments WHERE ended_at < ?1 OR once_at < ?1", (at,))).rowcount)


def _appointment(row: Any) -> Appointment:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row is iterated by value
    return Appointment(**values | {"method": Method(values["method"])})


def _run(row: Any) -> Run:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118
    return Run(**values | {"state": RunState(values["state"])})
