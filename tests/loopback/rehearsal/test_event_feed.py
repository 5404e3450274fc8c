import asyncio
from pathlib import Path

from calls.events import CallEvent, CallJoined, EventLog, ParticipantsChanged, PhaseChanged
from loopback.rehearsal.event_feed import EventFeed, event_from_json
from tests.loopback.rehearsal.talk import exchange

EVENTS: list[CallEvent] = [
    CallJoined(chat_id=-1, at_s=1.0, title="Book club"),
    ParticipantsChanged(chat_id=-1, at_s=1.5, names=("Ann", "Bob")),
    exchange(1, 2.0, 3.0, 4.0),
    PhaseChanged(chat_id=-1, at_s=5.0, phase="listening"),
]


async def test_the_log_is_read_while_it_grows(tmp_path: Path) -> None:
    feed, path = EventFeed(), tmp_path / "events.jsonl"
    seen: list[CallEvent] = []
    feed.listen(seen.append)
    follower = asyncio.create_task(feed.follow(path))
    await asyncio.sleep(0)
    log = EventLog(path)
    for event in EVENTS[:2]:
        log(event)
    assert await feed.wait_for(lambda event: isinstance(event, ParticipantsChanged), 5.0) == EVENTS[1]
    for event in EVENTS[2:]:
        log(event)
    assert await feed.wait_for(lambda event: isinstance(event, PhaseChanged), 5.0) == EVENTS[3]
    log.close()
    follower.cancel()
    assert feed.events == seen == EVENTS
    assert feed.of_kind(CallJoined) == [EVENTS[0]]


async def test_a_line_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path) -> None:
    feed, path = EventFeed(), tmp_path / "events.jsonl"
    follower = asyncio.create_task(feed.follow(path))
    path.write_text('{"event": "PhaseChanged", "chat_id": 1, "at', encoding="utf-8")
    assert await feed.wait_for(lambda _: True, 0.1) is None
    with path.open("a", encoding="utf-8") as file:
        file.write('_s": 2.0, "phase": "thinking"}\n')
    assert await feed.wait_for(lambda _: True, 5.0) == PhaseChanged(chat_id=1, at_s=2.0, phase="thinking")
    follower.cancel()


def test_kinds_and_fields_that_are_not_known_are_left_out() -> None:
    assert event_from_json({"event": "SomethingElse", "chat_id": 1}) is None
    assert event_from_json({"event": "CallJoined", "chat_id": 1, "at_s": 2.0, "novel": 3}) == CallJoined(chat_id=1, at_s=2.0)
