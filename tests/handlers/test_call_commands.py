from collections import deque

import pytest

from calls.state import CallState, Phase, PublicState
from errors import LineError
from handlers.calls import CallCommands, describe, duration
from handlers.command import Request
from handlers.wording import say

REQUEST = Request(chat_id=-5, title="Book club", sender_id=7)


class Manager:
    def __init__(self, state: CallState | None = None, refusal: LineError | None = None) -> None:
        self._state = state or CallState()
        self._refusal = refusal
        self.joined: list[tuple[int, str, int]] = []

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        if self._refusal:
            raise self._refusal
        self.joined.append((chat_id, title, requested_by))

    async def leave(self, chat_id: int) -> bool:
        return self._state.state is PublicState.JOINED

    def state(self, chat_id: int) -> CallState:
        return self._state

    @property
    def active(self) -> tuple[int, ...]:
        return ()


def commands(manager: Manager, connected: bool = True) -> CallCommands:
    return CallCommands(manager, lambda: connected, "py-tgcalls 3.0.0", lambda: 1000.0)


IN_CALL = CallState(
    state=PublicState.JOINED,
    phase=Phase.LISTENING,
    join_time=1000.0 - 245,
    participants=["Ann", "Bob"],
    transcript=deque(["Ann: hello"]),
    error_count=2,
)


async def test_joining() -> None:
    manager = Manager()
    assert await commands(manager).join(REQUEST) == say("en", "join.joined")
    assert manager.joined == [(-5, "Book club", 7)]


async def test_joining_twice() -> None:
    manager = Manager(IN_CALL)
    assert await commands(manager).join(REQUEST) == say("en", "join.already_in")
    assert manager.joined == []


async def test_joining_without_a_connection() -> None:
    assert await commands(Manager(), connected=False).join(REQUEST) == say("en", "join.not_connected")


async def test_a_refusal_comes_through_as_it_reads() -> None:
    refusal = LineError("No active voice chat.", "Start one and send /joincall again.")
    with pytest.raises(LineError, match=r"No active voice chat\. Start one and send /joincall again\."):
        await commands(Manager(refusal=refusal)).join(REQUEST)


async def test_leaving() -> None:
    assert await commands(Manager(IN_CALL)).leave(REQUEST) == say("en", "join.left")
    assert await commands(Manager()).leave(REQUEST) == say("en", "join.not_in")


async def test_callinfo_in_a_call() -> None:
    lines = (await commands(Manager(IN_CALL)).info(REQUEST)).splitlines()
    assert lines == [
        "📞 Call status",
        "Framework: ✅ py-tgcalls 3.0.0",
        "Telegram client: ✅ Connected",
        "Call instance: ✅ Active",
        "State: joined (listening)",
        "In Call: ✅ Yes",
        "Duration: 4:05",
        "Participants: Ann, Bob",
        "Transcript lines: 1",
        "Errors: 2",
    ]


async def test_callinfo_outside_a_call() -> None:
    lines = (await commands(Manager(), connected=False).info(REQUEST)).splitlines()
    assert "In Call: ❌ No" in lines
    assert "State: idle" in lines
    assert "Telegram client: ❌ Not connected" in lines
    assert "Call instance: ❌ None" in lines


def test_callinfo_tells_how_fast_it_answers_and_that_it_is_muted() -> None:
    state = CallState(state=PublicState.JOINED, join_time=0.0, latency_p50_ms=1234.0, latency_p95_ms=2049.0, muted_by_admin=True)
    text = describe(state, True, "x", 10.0)
    assert "Answers after: 1.2 s (p50), 2.0 s (p95)" in text
    assert "Muted by an admin" in text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65, "1:05"), (3723, "1:02:03")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
