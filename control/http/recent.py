"""What has been said lately in each call that goes on, and how fast it was answered: a listener on the bus, bounded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from calls import events
from calls.latency import LatencyBook

TURNS_KEPT: Final = 20
MOST_CALLS: Final = 2_000
"""Of more, the oldest are forgotten: an end that was never told leaves nothing behind for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentTurn:
    """One line of the conversation. ``at`` is in seconds since the epoch, ``reply`` what was heard of the answer.

    ``speaker`` is empty where Parley spoke unasked; ``ignored`` says why a turn was not answered.
    """

    at: float
    speaker: str
    heard: str
    reply: str | None
    interrupted: bool = False
    ignored: str | None = None
    spans_ms: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For programs; ``total_ms`` is the time from the end of the speech to the first sound of the answer."""
        return {
            "at": self.at,
            "speaker": self.speaker,
            "heard": self.heard,
            "reply": self.reply,
            "interrupted": self.interrupted,
            "ignored": self.ignored,
            "spans_ms": self.spans_ms,
            "total_ms": round(sum(self.spans_ms.values()), 1) if self.spans_ms else None,
        }


@dataclass(slots=True)
class RecentCall:
    """One call as its events tell it. ``caption`` is who speaks just now and what, as far as it is known."""

    title: str = ""
    turns: deque[RecentTurn] = field(default_factory=lambda: deque(maxlen=TURNS_KEPT))
    latency: LatencyBook = field(default_factory=LatencyBook)
    phase: str | None = None
    participants: tuple[str, ...] = ()
    caption: tuple[str, str] | None = None
    answered: int = 0


class Recent:
    """Subscribe it to the bus. ``changed`` is called after each event that changes anything."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._calls: dict[int, RecentCall] = {}
        self._watchers: set[Callable[[], None]] = set()

    def of(self, chat_id: int) -> RecentCall:
        """The call of a chat; an empty one if nothing is known."""
        return self._calls.get(chat_id) or RecentCall()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` whenever something has; calling what is returned ends that."""
        self._watchers.add(changed)
        return lambda: self._watchers.discard(changed)

    def __call__(self, event: events.CallEvent) -> None:
        """Take one event."""
        if isinstance(event, events.CallLeft | events.CallEnded):
            self._calls.pop(event.chat_id, None)
        elif not self._take(event):
            return
        for changed in tuple(self._watchers):
            changed()

    def _take(self, event: events.CallEvent) -> bool:
        match event:
            case events.CallJoined(title=title):
                self._known(event.chat_id).title = title
            case events.CallConnected(name=name) | events.CallIncoming(name=name):
                self._known(event.chat_id).title = name
            case events.PhaseChanged(phase=phase):
                self._known(event.chat_id).phase = phase
            case events.ParticipantsChanged(names=names):
                self._known(event.chat_id).participants = names
            case events.TurnBegan(speaker=speaker):
                self._known(event.chat_id).caption = (speaker, "")
            case events.TurnPartial(speaker=speaker, text=text) | events.TurnHeard(speaker=speaker, text=text):
                self._known(event.chat_id).caption = (speaker, text)
            case _:
                return self._take_line(event)
        return True

    def _take_line(self, event: events.CallEvent) -> bool:
        now = self._wall_clock()
        match event:
            case events.ExchangeEnded():
                self._take_exchange(event, now)
            case events.TurnIgnored(speaker=speaker, text=text, reason=reason):
                self._add(event, RecentTurn(at=now, speaker=speaker, heard=text, reply=None, ignored=reason))
            case events.Announced(heard=heard):
                self._add(event, RecentTurn(at=now, speaker="", heard="", reply=heard))
            case _:
                return False
        return True

    def _take_exchange(self, event: events.ExchangeEnded, now: float) -> None:
        call = self._known(event.chat_id)
        call.answered += 1
        if event.first_sound_at_s is not None:
            call.latency.add(event.spans_ms)
        self._add(
            event,
            RecentTurn(
                at=now,
                speaker=event.speaker,
                heard=event.heard,
                reply=event.reply_heard,
                interrupted=event.interrupted,
                spans_ms=event.spans_ms,
            ),
        )

    def _add(self, event: events.CallEvent, turn: RecentTurn) -> None:
        call = self._known(event.chat_id)
        call.turns.append(turn)
        call.caption = None

    def _known(self, chat_id: int) -> RecentCall:
        call = self._calls.setdefault(chat_id, RecentCall())
        while len(self._calls) > MOST_CALLS:
            del self._calls[next(iter(self._calls))]
        return call
