"""``/joincall``, ``/leavecall``, ``/callinfo`` and ``/calls`` at the desk."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from calls import errors
from calls.reconciler import Outlook
from calls.speculation import Speculation
from calls.state import CallState, Phase, PublicState
from errors import LineError
from handlers.call_info import CallInfo, duration
from handlers.wording import say
from storage import chats, desired
from storage.desired import WantedCall
from tests.calls.waiting import until
from tests.handlers.desk import ANN, BOB, CHANNEL, GROUP, OWNER, SUDO, Desk

IN_CALL = CallState(
    state=PublicState.JOINED,
    phase=Phase.LISTENING,
    join_time=1000.0 - 245,
    participants=["Ann", "Bob"],
    transcript=deque(["Ann: hello"]),
    error_count=2,
    last_response_time=990.0,
)
BROKEN_OFF = say("en", "call_error.broken_off")


async def test_joining_and_joining_twice(desk: Desk) -> None:
    assert await desk.say("/joincall") == say("en", "join.joined")
    assert desk.manager.joined == [(GROUP, "Book club", ANN)]
    desk.manager.states[GROUP] = IN_CALL
    assert await desk.say("/joincall") == say("en", "join.already_in")


async def test_a_refusal_comes_through_as_it_reads(desk: Desk) -> None:
    desk.manager.refusal = LineError("No active voice chat.", "Start one and send /joincall again.")
    assert await desk.say("/joincall") == "No active voice chat. Start one and send /joincall again."


async def test_leaving(desk: Desk) -> None:
    assert await desk.say("/leavecall") == say("en", "join.left")
    desk.manager.in_call = False
    assert await desk.say("/leavecall") == say("en", "join.not_in")
    assert desk.manager.left == [GROUP, GROUP]


async def test_a_join_that_has_to_wait_is_told_in_one_reply_that_becomes_the_answer(desk: Desk) -> None:
    desk.manager.waits_s, desk.manager.takes_s = 7.2, 0.05
    assert await desk.say("/joincall") == say("en", "join.waits", seconds=8)
    assert desk.manager.joined == [(GROUP, "Book club", ANN)]
    assert desk.client.texts == [say("en", "join.waits", seconds=8)], "what came of it is no message of its own"


async def test_a_join_that_hardly_waits_is_answered_when_it_is_done(desk: Desk) -> None:
    desk.manager.waits_s = 1.0
    assert await desk.say("/joincall") == say("en", "join.joined")
    assert len(desk.client.texts) == 1


# ---- two at once, and one after the other


async def test_two_admins_at_once_join_once_and_read_one_answer(desk: Desk) -> None:
    desk.manager.takes_s = 0.05
    desk.client.admins = [ANN, BOB]
    await desk.type("/joincall", ANN)
    await desk.type("/joincall", BOB)
    await desk.settled()
    assert len(desk.manager.joined) == 1
    assert desk.client.texts == [say("en", "join.joined")]
    assert await desk.results() == [("joincall", "done"), ("joincall", "done")]


async def test_two_admins_at_once_read_one_failure(desk: Desk) -> None:
    desk.manager.takes_s, desk.manager.refusal = 0.05, errors.of(errors.NO_VOICE_CHAT)
    desk.client.admins = [ANN, BOB]
    await desk.type("/joincall", ANN)
    await desk.type("/joincall", BOB)
    await desk.settled()
    assert desk.client.texts == [say("en", "call_error.no_voice_chat")]
    assert await desk.say("/joincall") == say("en", "call_error.no_voice_chat"), "the next one is tried for itself"


async def test_leavecall_is_obeyed_while_a_join_is_under_way_and_withdraws_those_that_wait(desk: Desk) -> None:
    desk.manager.takes_s = 30.0
    desk.client.admins = [ANN, BOB]
    await desk.type("/joincall", ANN)
    await desk.type("/joincall", BOB)
    await until(lambda: desk.manager.asked)
    await desk.type("/leavecall", ANN)
    await desk.settled()
    assert desk.manager.left == [GROUP]
    assert sorted(desk.client.texts) == sorted([BROKEN_OFF, BROKEN_OFF, say("en", "join.left")])
    assert desk.manager.joined == []


async def test_a_join_after_the_leave_counts(desk: Desk) -> None:
    desk.manager.holds_joins = True
    for command in ("/joincall", "/leavecall", "/joincall"):
        await desk.type(command, ANN)
    await desk.settled()
    assert len(desk.manager.joined) == 1
    assert desk.client.texts[-1] == say("en", "join.joined")


async def test_calloff_gives_up_a_call_that_is_joined_by_itself(desk: Desk) -> None:
    desk.manager.outlooks[GROUP] = Outlook(1010.0, 1, False, None)
    await desk.say("/calloff")
    assert desk.manager.left == []
    desk.manager.outlooks[GROUP] = Outlook(1010.0, 1, False, None, auto_joined=True)
    await desk.say("/calloff")
    assert desk.manager.left == [GROUP]


# ---- another chat, and as whom


async def test_the_call_of_a_channel_is_joined_from_elsewhere(desk: Desk) -> None:
    assert await desk.say("/joincall @news") == say("en", "join.joined")
    assert desk.manager.joined == [(CHANNEL, "@news", ANN)]
    assert await desk.say("/leavecall @news", by=SUDO) == say("en", "join.left")
    assert desk.manager.left == [CHANNEL]
    assert await desk.say("/joincall @news", by=OWNER, private=True) == say("en", "join.joined")
    assert await desk.say(f"/callinfo {CHANNEL}", by=OWNER, private=True) is not None


@pytest.mark.parametrize("command", ["/joincall", "/leavecall", "/callinfo"])
async def test_who_manages_no_calls_there_may_not(desk: Desk, command: str) -> None:
    assert await desk.say(f"{command} @news", by=BOB) == say("en", "refused.elsewhere", chat="@news")
    assert await desk.say(f"{command} @news", by=77, private=True) is None
    assert await desk.say(f"{command} @news", by=-1_000_000_000_042) is None
    assert (desk.manager.joined, desk.manager.left) == ([], [])


async def test_an_anonymous_admin_is_one_in_their_own_chat_only(desk: Desk) -> None:
    for sender in (GROUP, None):
        assert await desk.say("/joincall", by=sender) == say("en", "join.joined")
        assert await desk.say("/joincall @news", by=sender) == say("en", "refused.elsewhere", chat="@news")


async def test_a_chat_that_is_not_known(desk: Desk) -> None:
    answer = await desk.say("/joincall @nowhere")
    assert answer is not None
    assert answer.startswith(say("en", "chat_unknown", name="@nowhere"))
    assert await desk.say("/joincall @ann", by=OWNER) != say("en", "join.joined"), "a person is no chat"


async def test_appearing_as_a_channel(desk: Desk) -> None:
    assert await desk.say("/joincall as @voice") == say("en", "join.joined")
    assert (await chats.get(desk.services.database, GROUP)).join_as == -1_000_000_000_071
    desk.manager.states[GROUP] = IN_CALL
    assert await desk.say("/joincall as me") == say("en", "join.as_later")
    assert (await chats.get(desk.services.database, GROUP)).join_as is None


async def test_as_what_telegram_allows_is_told(desk: Desk) -> None:
    answer = await desk.say("/joincall as @other")
    assert answer is not None
    assert answer.startswith(say("en", "join.not_as", name="@other", names="@voice, me"))
    assert desk.manager.joined == []


# ---- what is told


async def test_callinfo_for_those_who_manage_calls(desk: Desk) -> None:
    desk.manager.states[GROUP] = replace(IN_CALL, latency_p50_ms=1234.0, latency_p95_ms=2049.0)
    desk.manager.speculation = Speculation(begun=8, used=6, shed=1)
    answer = await desk.say("/callinfo")
    assert answer is not None
    assert answer.splitlines() == [
        "📞 Call status",
        "Framework: ✅ py-tgcalls 3.0.0",
        "Telegram client: ✅ Connected",
        "Call instance: ✅ Active",
        "State: joined (listening)",
        "In Call: ✅ Yes",
        "Duration: 4:05",
        "Participants: Ann, Bob",
        "Joined: as somebody asked",
        "Last answer: 0:10 ago",
        "Transcript lines: 1",
        "Errors: 2",
        "Answers after: 1.2 s (p50), 2.0 s (p95)",
        "Answers begun before a turn was over: 8, spoken 6 (75%), not begun for lack of room 1",
    ]


async def test_members_are_not_told_who_is_in_the_call_and_what_goes_on_elsewhere(desk: Desk) -> None:
    desk.manager.states[GROUP] = IN_CALL
    desk.manager.speculation = Speculation(begun=8, used=6)
    answer = await desk.say("/callinfo", by=BOB)
    assert answer is not None
    assert "In Call: ✅ Yes" in answer
    assert "People in it: 2" in answer
    assert not [hidden for hidden in ("Ann", "begun before", "Last answer", "Joined:") if hidden in answer]


async def test_callinfo_outside_a_call_tells_what_comes(desk: Desk) -> None:
    desk.manager.outlooks[GROUP] = Outlook(1090.0, 2, False, errors.of(errors.NO_VOICE_CHAT))
    lines = str(await desk.say("/callinfo")).splitlines()
    assert {"In Call: ❌ No", "State: idle", "Call instance: ❌ None"} <= set(lines)
    assert lines[-2:] == ["I try to join again in 1:30 (failed tries: 2)", f"The last time: {say('en', 'call_error.no_voice_chat')}"]


def test_callinfo_tells_that_it_is_muted_and_not_connected() -> None:
    state = CallState(state=PublicState.JOINED, join_time=0.0, muted_by_admin=True)
    text = str(CallInfo(state=state, connected=False, framework="x", now_s=10.0))
    assert "Muted by an admin" in text
    assert "Telegram client: ❌ Not connected" in text


async def test_calls_are_listed_in_private_only(desk: Desk) -> None:
    manager, database = desk.manager, desk.services.database
    await desired.want(database, WantedCall(GROUP, "Book club", ANN, False, 1.0))
    await desired.want(database, WantedCall(CHANNEL, "News", ANN, False, 2.0))
    manager.states[GROUP] = IN_CALL
    manager.outlooks[CHANNEL] = Outlook(1030.0, 1, False, None)
    here = "• Book club: listening, for 4:05, people: 2"
    assert await desk.say("/calls") == f"📞 Calls\n{here}"
    assert await desk.say("/calls", by=SUDO) == f"📞 Calls\n{here}\n{say('en', 'calls.others', count=1)}"
    everything = await desk.say("/calls", by=SUDO, private=True)
    assert everything == f"📞 Calls\n{here}\n• News: not in it, next try in 0:30"
    assert await desk.say("/calls", by=BOB) == say("en", "refused.call_manager", command="/calls")


async def test_no_calls(desk: Desk) -> None:
    assert await desk.say("/calls", chat_id=CHANNEL) == say("en", "calls.none")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65, "1:05"), (3723, "1:02:03"), (-3, "0:00")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


async def test_settings_reach_a_call_under_way(desk: Desk) -> None:
    await desk.say("/mode always")
    assert desk.manager.changed == [GROUP]
