from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable

from calls.pause_reader import MOST_READINGS, WORDS_BY_S, PauseReader, TurnJudge
from calls.turns.patience import NOTHING, Patience
from errors import EngineError
from tests.calls.virtual_time import run_in_virtual_time


class Judge:
    """Answers with ``probabilities`` in order, the last of them for ever."""

    def __init__(self, *probabilities: float | None) -> None:
        self.probabilities = list(probabilities)
        self.heard: list[bytes] = []

    async def completeness(self, pcm: bytes, speaker: Hashable = None) -> float | None:
        self.heard.append(pcm)
        await asyncio.sleep(0)
        return self.probabilities.pop(0) if len(self.probabilities) > 1 else self.probabilities[0]


class BrokenJudge(Judge):
    async def completeness(self, pcm: bytes, speaker: Hashable = None) -> float | None:
        self.heard.append(pcm)
        raise EngineError("The turn model failed.")


class Bench:
    def __init__(self, judge: TurnJudge | None, *, words_first: bool = False) -> None:
        self.told: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.patience = Patience()
        self.reader = PauseReader(7, self.patience, judge, lambda: b"turn", self.spawn, self.told.append, words_first=words_first)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        self.reader.ended()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_each_reading_changes_the_wait() -> None:
    judge = Judge(0.95)
    bench = Bench(judge)
    bench.reader.paused()
    await bench.settle()
    assert judge.heard == [b"turn"]
    assert bench.told[0] == 0.7
    assert bench.told[-1] < bench.told[0]
    await bench.close()


async def test_the_model_is_asked_before_the_words_are_there() -> None:
    judge = Judge(0.5)
    bench = Bench(judge)
    bench.reader.paused()
    await bench.settle()
    assert judge.heard == [b"turn"]
    bench.reader.words("pizza with", "xx")
    await asyncio.gather(*bench.tasks)
    assert len(judge.heard) == MOST_READINGS
    await bench.close()


async def test_words_and_sound_are_put_together() -> None:
    bench = Bench(Judge(0.95))
    bench.reader.paused()
    await bench.settle()
    bench.reader.words("I would like a pizza and", "en")
    assert bench.reader.wait_s > 0.7
    assert bench.told[-1] == bench.reader.wait_s
    await bench.close()


async def test_going_on_ends_the_reading_and_is_learned() -> None:
    bench = Bench(Judge(0.95))
    bench.reader.paused()
    await bench.settle()
    bench.reader.resumed(1.9)
    await bench.settle()
    assert bench.tasks[0].cancelled()
    assert bench.reader.evidence == NOTHING
    assert bench.told[-1] == bench.patience.usual_s > 0.7
    await bench.close()


async def test_a_model_without_time_leaves_the_rest_to_decide() -> None:
    bench = Bench(Judge(None))
    bench.reader.paused()
    await bench.settle()
    assert bench.reader.wait_s == 0.7
    await bench.close()


async def test_a_model_that_fails_is_asked_no_more_in_this_pause() -> None:
    judge = BrokenJudge(None)
    bench = Bench(judge)
    bench.reader.paused()
    await asyncio.gather(*bench.tasks)
    assert len(judge.heard) == 1
    assert bench.reader.wait_s == 0.7


async def test_without_a_model_words_alone_decide() -> None:
    bench = Bench(None)
    bench.reader.paused()
    bench.reader.words("What time is it?", "en")
    assert bench.tasks == []
    assert bench.reader.wait_s < 0.3


async def test_reading_comes_to_an_end_by_itself() -> None:
    judge = Judge(0.5)
    bench = Bench(judge)
    bench.reader.paused()
    await asyncio.gather(*bench.tasks)
    assert len(judge.heard) == MOST_READINGS


async def test_the_model_is_not_asked_what_the_words_have_settled() -> None:
    judge = Judge(0.5)
    bench = Bench(judge)
    bench.reader.paused()
    bench.reader.words("What time is it?", "en")
    await asyncio.gather(*bench.tasks)
    assert judge.heard == []


def test_a_judge_that_takes_the_processor_from_the_words_is_asked_after_them() -> None:
    async def pause() -> None:
        judge = Judge(0.98)
        bench = Bench(judge, words_first=True)
        bench.reader.paused()
        await asyncio.sleep(WORDS_BY_S / 2)
        assert not judge.heard
        bench.reader.words("The capital is Rome.", "en")
        assert judge.heard == []
        assert bench.told[-1] == 0.7, "the words alone do not end it before the judge was heard"
        await bench.settle()
        assert len(judge.heard) == 1
        assert bench.told[-1] == 0.25
        await bench.close()

    run_in_virtual_time(pause())


def test_a_question_is_answered_without_asking_the_judge_that_takes_the_processor() -> None:
    async def pause() -> None:
        judge = Judge(0.02)
        bench = Bench(judge, words_first=True)
        bench.reader.paused()
        bench.reader.words("What is the capital of Italy?", "en")
        assert bench.told[-1] == 0.25
        await asyncio.gather(*bench.tasks)
        assert judge.heard == []
        assert bench.told[-1] == 0.25

    run_in_virtual_time(pause())


def test_words_that_do_not_come_hold_up_the_judge_for_a_moment_only() -> None:
    async def pause() -> None:
        judge = Judge(0.98)
        bench = Bench(judge, words_first=True)
        bench.reader.paused()
        await asyncio.sleep(WORDS_BY_S + 0.01)
        assert len(judge.heard) == 1
        assert bench.told[-1] < 0.7
        await bench.close()

    run_in_virtual_time(pause())


def test_words_alone_decide_when_the_judge_that_was_waited_for_fails() -> None:
    async def pause() -> None:
        bench = Bench(BrokenJudge(), words_first=True)
        bench.reader.paused()
        bench.reader.words("The capital is Rome.", "en")
        assert bench.told[-1] == 0.7
        await bench.settle()
        assert bench.told[-1] == bench.reader.wait_s < 0.7
        await bench.close()

    run_in_virtual_time(pause())


def test_each_pause_waits_for_words_of_its_own() -> None:
    async def two_pauses() -> None:
        judge = Judge(0.98)
        bench = Bench(judge, words_first=True)
        bench.reader.paused()
        bench.reader.words("What is", "en")
        bench.reader.resumed(0.2)
        bench.reader.paused()
        await bench.settle()
        assert not judge.heard
        await bench.close()

    run_in_virtual_time(two_pauses())
