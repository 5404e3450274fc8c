"""A WebSocket call costs nothing while nothing is said in it."""

from __future__ import annotations

import asyncio

import pytest

from audio.playout import PlayingClause, Playout
from calls.lines.pacer import Pacer, Pull
from calls.lines.websocket import Output, Playing, WebSocketLine
from tests.calls.lines.test_replies import Out, clause
from tests.calls.virtual_time import run_in_virtual_time


class CountingPacer(Pacer):
    pulls = 0

    def add(self, line: object, pull: Pull) -> None:
        def counted() -> None:
            self.pulls += 1
            pull()

        super().add(line, counted)


@pytest.mark.parametrize("output", list(Output))
def test_a_line_is_pulled_only_while_there_is_something_to_play(output: Output) -> None:
    async def speaks_twice() -> list[int]:
        pacer, playout, out = CountingPacer(), Playout(asyncio.get_running_loop().time), Out()
        line = WebSocketLine(out, pacer, "Ann", Playing(output))
        await line.open(lambda _participant, _frame: None, playout)
        counts = []
        for _ in range(2):
            await asyncio.sleep(5)
            counts.append(pacer.pulls)
            sent = len(out.messages)
            playout.say(clause("one", 0.5))
            playout.say(PlayingClause("still being made", 2))
            await asyncio.sleep(1)
            playout.cut()
            assert len(out.messages) > sent
            await asyncio.sleep(5)
        await line.close()
        playout.say(clause("too late", 0.5))
        return [*counts, pacer.pulls]

    before, once, twice = run_in_virtual_time(speaks_twice())
    assert before == 1
    assert 100 <= once - before < 120
    assert 100 <= twice - once < 120
