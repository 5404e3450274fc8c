"""The bot's events as they happen, read from the event log that it appends to."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from calls import events
from calls.events import CallEvent, Listener

POLL_S: Final = 0.02

Kind = TypeVar("Kind", bound=CallEvent)

_KINDS: Final[dict[str, type[CallEvent]]] = {
    kind.__name__: kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, CallEvent)
}


def event_from_json(data: Mapping[str, Any]) -> CallEvent | None:
    """The event that :func:`calls.events.as_json` made into ``data``; ``None`` for a kind that is not known here."""
    kind = _KINDS.get(str(data.get("event")))
    if kind is None:
        return None
    known = {field.name for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {name: tuple(value) if name == "names" else value for name, value in data.items() if name in known}
    return kind(**values)


class EventFeed:
    """All events so far, and those to come. :meth:`follow` reads the log until it is cancelled."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of each event from now on."""
        self._listeners.append(listener)

    def of_kind(self, kind: type[Kind]) -> list[Kind]:
        """All events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def add(self, event: CallEvent) -> None:
        """Take in one event."""
        self.events.append(event)
        for listener in self._listeners:
            listener(event)

    async def wait_for(self, wanted: Callable[[CallEvent], bool], within_s: float) -> CallEvent | None:
        """The first event so far, or to come, that is ``wanted``; ``None`` after ``within_s``."""
        seen = 0
        deadline_s = asyncio.get_running_loop().time() + within_s
        while True:
            for event in self.events[seen:]:
                if wanted(event):
                    return event
            seen = len(self.events)
            if asyncio.get_running_loop().time() >= deadline_s:
                return None
            await asyncio.sleep(POLL_S)

    async def follow(self, log: Path) -> None:
        """Read ``log`` as it grows, from its beginning; it need not exist yet."""
        offset = 0
        while True:
            offset = self._read(log, offset)
            await asyncio.sleep(POLL_S)

    def _read(self, log: Path, offset: int) -> int:
        if not log.exists():
            return offset
        with log.open("rb") as file:
            file.seek(offset)
            data = file.read()
        whole, newline, _ = data.rpartition(b"\n")
        for line in whole.splitlines():
            event = _event_in(line)
            if event is not None:
                self.add(event)
        return offset + len(whole) + len(newline)


def _event_in(line: bytes) -> CallEvent | None:
    """The event of one line; ``None`` for one that a bot which was killed could not end."""
    try:
        return event_from_json(json.loads(line))
    except ValueError:
        return None
