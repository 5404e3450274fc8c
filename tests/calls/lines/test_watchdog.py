import asyncio
from collections.abc import Awaitable, Callable

from calls.lines.line import LineClosed, LineDropped, LineLost
from calls.lines.watchdog import Ending, Watchdog
from tests.calls.virtual_time import run_in_virtual_time


class Questions:
    """Answers that a test sets; counts how often each was asked."""

    def __init__(self) -> None:
        self.held: bool | Exception = True
        self.listed: bool | Exception = True
        self.ending: Ending | Exception | None = None
        self.asked = {"held": 0, "listed": 0, "explain": 0}

    def question(self, name: str, attribute: str) -> Callable[[], Awaitable[object]]:
        async def ask() -> object:
            self.asked[name] += 1
            answer = getattr(self, attribute)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    def watchdog(self) -> Watchdog:
        return Watchdog(self.question("held", "held"), self.question("listed", "listed"), self.question("explain", "ending"))  # type: ignore[arg-type]


def watched(setting: Callable[[Questions, Watchdog], Awaitable[None]]) -> tuple[Ending | None, float, Questions]:
    """Run a watchdog beside ``setting``; how it ended (None: it did not within 200 s) and after how long."""

    async def both() -> tuple[Ending | None, float, Questions]:
        questions = Questions()
        watchdog = questions.watchdog()
        began_s = asyncio.get_running_loop().time()
        run = asyncio.create_task(watchdog.run())
        await setting(questions, watchdog)
        done, _ = await asyncio.wait([run], timeout=200)
        ended_s = asyncio.get_running_loop().time()
        if not done:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            return None, ended_s - began_s, questions
        return run.result(), ended_s - began_s, questions

    result: tuple[Ending | None, float, Questions] = run_in_virtual_time(both())
    return result


def test_all_well_is_asked_about_and_not_told() -> None:
    async def nothing(questions: Questions, watchdog: Watchdog) -> None: ...

    ending, _, questions = watched(nothing)
    assert ending is None
    assert questions.asked == {"held": 39, "listed": 19, "explain": 0}


def test_a_call_that_the_library_lost_is_noticed_within_5_s() -> None:
    async def lost(questions: Questions, watchdog: Watchdog) -> None:
        questions.held = False

    ending, after_s, _ = watched(lost)
    assert isinstance(ending, LineLost)
    assert after_s <= 5


def test_a_place_that_telegram_no_longer_lists_is_noticed_within_10_s() -> None:
    async def dropped(questions: Questions, watchdog: Watchdog) -> None:
        questions.listed, questions.ending = False, LineDropped()

    ending, after_s, _ = watched(dropped)
    assert ending == LineDropped()
    assert after_s <= 10


def test_a_suspicion_is_looked_into_at_once() -> None:
    async def suspicion(questions: Questions, watchdog: Watchdog) -> None:
        await asyncio.sleep(1)
        questions.ending = LineClosed()
        watchdog.suspect()

    ending, after_s, _ = watched(suspicion)
    assert ending == LineClosed()
    assert after_s < 1.1


def test_a_false_suspicion_ends_nothing() -> None:
    async def suspicion(questions: Questions, watchdog: Watchdog) -> None:
        watchdog.suspect()

    ending, _, questions = watched(suspicion)
    assert ending is None
    assert questions.asked["explain"] == 1


def test_questions_without_an_answer_end_nothing() -> None:
    async def outage(questions: Questions, watchdog: Watchdog) -> None:
        questions.held = questions.listed = questions.ending = ConnectionError("no network")

    assert watched(outage)[0] is None


def test_an_unanswered_suspicion_is_asked_again_later() -> None:
    async def outage(questions: Questions, watchdog: Watchdog) -> None:
        questions.listed, questions.ending = False, ConnectionError("no network")
        watchdog.suspect()
        await asyncio.sleep(30)
        questions.ending = LineDropped()

    ending, after_s, _ = watched(outage)
    assert ending == LineDropped()
    assert after_s <= 45
