"""A second attempt, in virtual time: when it begins, who wins, and that nothing of the loser is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest

from engines import Refused, first_of_two, hedged, retry_after_s
from errors import EngineError
from tests.calls.virtual_time import run_in_virtual_time

NEVER = 1e6
BROKEN = EngineError("It broke.")


@dataclass
class Attempts:
    """What each attempt does: wait, then give a result or fail; then, when streaming, go on as told."""

    scripts: list[list[float | str | Exception]]
    begun_at_s: list[float] = field(default_factory=list)
    ended: int = 0
    reasons: list[str] = field(default_factory=list)

    async def stream(self) -> AsyncGenerator[str, None]:
        script = self.scripts[len(self.begun_at_s)]
        self.begun_at_s.append(asyncio.get_running_loop().time() - 1000)
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.ended += 1

    async def result(self) -> str:
        async with aclosing(self.stream()) as pieces:
            return await anext(pieces)


def played(attempts: Attempts, work: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, float]:
    """What came of it, and after how many seconds; every attempt has ended by then."""

    async def timed() -> tuple[Any, float]:
        result = await work()
        assert attempts.ended == len(attempts.begun_at_s)
        return result, asyncio.get_running_loop().time() - 1000

    result: tuple[Any, float] = run_in_virtual_time(timed())
    return result


def asked(attempts: Attempts) -> tuple[Any, float]:
    return played(attempts, lambda: first_of_two(attempts.result, 2.0, attempts.reasons.append))


def streamed(attempts: Attempts) -> tuple[list[str], float]:
    async def read() -> list[str]:
        async with aclosing(hedged(attempts.stream, 2.0, attempts.reasons.append, lambda piece: bool(piece.strip()))) as pieces:
            return [piece async for piece in pieces]

    return played(attempts, read)


def test_who_answers_in_time_is_asked_once() -> None:
    attempts = Attempts([[1.0, "first"]])
    assert asked(attempts) == ("first", 1.0)
    assert attempts.reasons == []


@pytest.mark.parametrize(
    ("first", "second", "result", "after_s"),
    [
        ([NEVER], [1.0, "second"], "second", 3.0),
        ([2.5, "first"], [1.0, "second"], "first", 2.5),
        ([3.0, BROKEN], [1.5, "second"], "second", 3.5),
        ([3.0, "first"], [0.5, BROKEN], "first", 3.0),
    ],
    ids=["the second answers", "the first answers after all", "the first breaks then", "the second breaks"],
)
def test_who_is_silent_for_long_is_asked_twice_and_the_first_answer_counts(
    first: list[Any], second: list[Any], result: str, after_s: float
) -> None:
    attempts = Attempts([first, second])
    assert asked(attempts) == (result, after_s)
    assert attempts.begun_at_s == [0.0, 2.0]
    assert attempts.reasons == ["Nothing came within 2 s."]


def test_who_breaks_at_once_is_asked_again_at_once() -> None:
    attempts = Attempts([[0.5, BROKEN], [0.5, "second"]])
    assert asked(attempts) == ("second", 1.0)
    assert attempts.reasons == ["It broke."]


def test_there_is_no_third_attempt() -> None:
    attempts = Attempts([[0.5, BROKEN], [0.5, EngineError("It broke again.")]])
    with pytest.raises(EngineError, match=r"It broke again\."):
        asked(attempts)
    assert len(attempts.begun_at_s) == attempts.ended == 2


@pytest.mark.parametrize(("status", "attempts_made"), [(401, 1), (404, 1), (429, 1), (408, 2), (500, 2), (503, 2)])
def test_a_refusal_that_will_not_pass_is_final(status: int, attempts_made: int) -> None:
    attempts = Attempts([[Refused("No.", "", status)], [Refused("No.", "", status)]])
    with pytest.raises(Refused):
        asked(attempts)
    assert len(attempts.begun_at_s) == attempts_made


def test_cancelling_ends_both_attempts() -> None:
    attempts = Attempts([[NEVER], [NEVER]])

    async def given_up() -> None:
        async with asyncio.timeout(5):
            await first_of_two(attempts.result, 2.0, attempts.reasons.append)

    with pytest.raises(TimeoutError):
        run_in_virtual_time(given_up())
    assert attempts.ended == 2


def test_a_stream_in_time_passes_unchanged() -> None:
    assert streamed(Attempts([[1.0, "a", 5.0, "b"]])) == (["a", "b"], 6.0)


def test_a_stream_that_opens_and_says_nothing_useful_is_asked_again() -> None:
    attempts = Attempts([["", 0.5, " ", NEVER], [0.5, "a", 1.0, "b"]])
    assert streamed(attempts) == (["a", "b"], 3.5)
    assert attempts.begun_at_s == [0.0, 2.0]


def test_only_the_winner_is_streamed() -> None:
    assert streamed(Attempts([[2.5, "a", 1.0, "b"], [0.6, "x", "y"]])) == (["a", "b"], 3.5)
    assert streamed(Attempts([[2.5, "a"], [0.5, "x"]]))[0] in (["a"], ["x"])


def test_a_stream_with_nothing_in_it_is_no_failure() -> None:
    attempts = Attempts([[1.0]])
    assert streamed(attempts) == ([], 1.0)
    assert attempts.reasons == []


def test_what_breaks_after_its_beginning_is_not_begun_again() -> None:
    attempts = Attempts([["a", 1.0, BROKEN]])
    with pytest.raises(EngineError, match=r"It broke\."):
        streamed(attempts)
    assert len(attempts.begun_at_s) == attempts.ended == 1


def test_closing_a_stream_closes_the_attempt() -> None:
    attempts = Attempts([[NEVER], ["a", NEVER]])

    async def half() -> str:
        pieces = hedged(attempts.stream, 2.0, attempts.reasons.append)
        piece = await anext(pieces)
        assert attempts.ended == 1
        await pieces.aclose()
        return piece

    assert played(attempts, half)[0] == "a"


@pytest.mark.parametrize(
    ("url", "after_s"),
    [
        ("https://api.example.org/v1", 2.5),
        ("http://192.168.1.20:8000/v1", 2.5),
        ("http://127.0.0.1:8000/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://[::1]:8000/v1", None),
    ],
)
def test_what_runs_on_this_machine_is_never_run_twice(url: str, after_s: float | None) -> None:
    assert retry_after_s(url, 10.0) == after_s
