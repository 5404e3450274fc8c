"""Telephone calls of the last day, counted so that no more are made than may be. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from storage.database import Database

DAY_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many calls may be made within a day, how many of them to one number, and how many seconds all calls may last together."""

    calls: int
    to_a_number: int
    seconds: float


class Cap(Enum):
    """What is used up."""

    CALLS = auto()
    TO_A_NUMBER = auto()
    SECONDS = auto()


async def reserve(database: Database, number: str, *, outgoing: bool, longest_s: float, caps: Caps, now: float) -> int | Cap:
    """Count a call that is about to begin; returns its id, or what is used up. Only outgoing calls are limited in number."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM phone_calls WHERE at < ?", (now - DAY_S,))
        ((calls, same, seconds),) = await connection.execute_fetchall(
            "SELECT coalesce(sum(outgoing), 0), coalesce(sum(outgoing AND number = ?), 0), coalesce(sum(seconds), 0) FROM phone_calls",
            (number,),
        )
        if outgoing and calls >= caps.calls:
            return Cap.CALLS
        if outgoing and same >= caps.to_a_number:
            return Cap.TO_A_NUMBER
        if seconds + longest_s > caps.seconds:
            return Cap.SECONDS
        cursor = await connection.execute(
            "INSERT INTO phone_calls (number, outgoing, at, seconds) VALUES (?, ?, ?, ?)", (number, int(outgoing), now, longest_s)
        )
    return int(cursor.lastrowid or 0)


async def settle(database: Database, call_id: int, seconds: float) -> None:
    """A call is over and has lasted so long."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE phone_calls SET seconds = ? WHERE id = ?", (seconds, call_id))


async def forget(database: Database, call_id: int) -> None:
    """A call did not come about at all."""
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM phone_calls WHERE id = ?", (call_id,))
