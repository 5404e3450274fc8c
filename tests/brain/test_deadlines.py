"""Replies that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from brain.deadlines import BrainWithDeadlines
from brain.engine import Message, Piece, Role
from brain.tools import Tool
from errors import EngineError
from tests.calls.virtual_time import run_in_virtual_time

PROMPT = [Message(Role.USER, "Hello?")]
NEVER = 3600.0


class Slow:
    """Says a word after each of ``pauses_s``, and remembers whether it was stopped."""

    name = "slow brain"

    def __init__(self, *pauses_s: float) -> None:
        self.pauses_s = pauses_s
        self.stopped = False
        self.closed = False

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(self.pauses_s[0])

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[str, None]:
        try:
            for pause_s in self.pauses_s:
                await asyncio.sleep(pause_s)
                yield "word"
        finally:
            self.stopped = True

    async def close(self) -> None:
        self.closed = True


async def test_a_reply_in_time_passes_unchanged() -> None:
    brain = BrainWithDeadlines(Slow(0, 0), first_token_s=NEVER, total_s=NEVER)
    assert [piece async for piece in brain.reply(PROMPT)] == ["word", "word"]
    assert brain.name == "slow brain"


async def test_a_late_beginning_stops_the_brain() -> None:
    slow = Slow(NEVER)
    with pytest.raises(EngineError, match=r"slow brain did not begin its reply within 0\.01 s\..*BRAIN_FIRST_TOKEN_TIMEOUT_S"):
        await anext(BrainWithDeadlines(slow, first_token_s=0.01, total_s=NEVER).reply(PROMPT))
    assert slow.stopped


def test_a_late_end_stops_the_brain() -> None:
    slow = Slow(0, NEVER)

    async def read() -> None:
        pieces = BrainWithDeadlines(slow, first_token_s=NEVER, total_s=5.0).reply(PROMPT)
        assert await anext(pieces) == "word"
        with pytest.raises(EngineError, match=r"did not finish its reply within 5 s"):
            await anext(pieces)

    run_in_virtual_time(read())
    assert slow.stopped


def test_the_time_of_the_reader_does_not_count() -> None:
    async def read_slowly() -> Piece:
        async with aclosing(BrainWithDeadlines(Slow(0, 0), first_token_s=5.0, total_s=5.0).reply(PROMPT)) as pieces:
            await anext(pieces)
            await asyncio.sleep(10.0)
            return await anext(pieces)

    assert run_in_virtual_time(read_slowly()) == "word"


async def test_closing_the_reply_stops_the_brain() -> None:
    slow = Slow(0, NEVER)
    pieces = BrainWithDeadlines(slow, first_token_s=NEVER, total_s=NEVER).reply(PROMPT)
    await anext(pieces)
    await pieces.aclose()
    assert slow.stopped


async def test_reading_ahead_for_too_long_is_given_up_quietly() -> None:
    brain = BrainWithDeadlines(Slow(NEVER), first_token_s=NEVER, total_s=0.01)
    await brain.prefill(PROMPT)


async def test_closing_closes_the_brain_inside() -> None:
    slow = Slow()
    brain = BrainWithDeadlines(slow, first_token_s=1, total_s=1)
    await brain.load()
    await brain.close()
    assert slow.closed
