"""Who is told of what happens in a call."""

from __future__ import annotations

from calls.events import CallEvent, EventBus, PhaseChanged


def changed(chat_id: int) -> PhaseChanged:
    return PhaseChanged(chat_id=chat_id, at_s=0.0, phase="listening")


def test_listeners_of_one_chat_hear_of_it_alone() -> None:
    bus, of_all, of_one = EventBus(), list[CallEvent](), list[CallEvent]()
    bus.subscribe(of_all.append)
    forget = bus.subscribe(of_one.append, 1)
    bus.publish(changed(1))
    bus.publish(changed(2))
    assert of_all == [changed(1), changed(2)]
    assert of_one == [changed(1)]
    forget()
    bus.publish(changed(1))
    assert of_one == [changed(1)]


def test_a_listener_that_raises_keeps_nobody_else_from_hearing() -> None:
    bus, heard = EventBus(), list[CallEvent]()

    def fail(_event: CallEvent) -> None:
        raise ValueError

    bus.subscribe(fail, 1)
    bus.subscribe(heard.append, 1)
    bus.publish(changed(1))
    assert heard == [changed(1)]
