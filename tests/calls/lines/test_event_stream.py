from calls.lines.event_stream import MOST_WAITING, EventStream
from calls.lines.line import LineClosed, LineEvent, MutedByAdmin, Participant, ParticipantJoined


async def read(stream: EventStream) -> list[LineEvent]:
    return [event async for event in stream.read()]


async def test_events_come_in_order_and_the_stream_ends() -> None:
    stream = EventStream()
    stream.put(MutedByAdmin())
    stream.put(LineClosed())
    stream.close()
    assert await read(stream) == [MutedByAdmin(), LineClosed()]
    assert await read(stream) == []


async def test_it_may_be_closed_twice() -> None:
    stream = EventStream()
    stream.close()
    stream.close()
    assert await read(stream) == []


async def test_a_reader_far_behind_loses_the_oldest_and_never_the_end() -> None:
    stream = EventStream()
    for number in range(MOST_WAITING + 10):
        stream.put(ParticipantJoined(Participant(number, "x")))
    stream.put(LineClosed())
    stream.close()
    events = await read(stream)
    assert events[-1] == LineClosed()
    assert stream.lost == 12
    assert len(events) == MOST_WAITING - 1
