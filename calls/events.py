"""Everything that happens in a call: one dataclass each, on one small bus.

Storage, captions, metrics, the event log and rehearsals listen to the same events. Times (``at_s``) are of the event loop's
monotonic clock, which all processes of one machine share.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """Of which call (``chat_id``), and when."""

    chat_id: int
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallJoined(CallEvent):
    """Parley is in the call."""

    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeft(CallEvent):
    """Parley has left the call; ``reason`` is a plain sentence, ``key`` and ``fields`` say it in the catalogues of chat texts."""

    reason: str = ""
    key: str = ""
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIncoming(CallEvent):
    """Somebody phones the account; ``chat_id`` is their user id."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConnected(CallEvent):
    """A private call was answered; ``emojis`` are what both sides see if nobody listens in."""

    name: str
    incoming: bool
    emojis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CallEvent):
    """A private call is over, or never came about; ``reason``, ``key`` and ``fields`` as for :class:`CallLeft`."""

    name: str
    reason: str = ""
    key: str = ""
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed(CallEvent):
    """Somebody on the telephone has pressed a key: 0-9, ``*``, ``#`` or A-D."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNotice(CallEvent):
    """Something about its call that the chat should be told though nobody has asked; ``key`` and ``fields`` as for :class:`CallLeft`."""

    text: str
    key: str = ""
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTrouble(CallEvent):
    """The account may join no more calls; its owner has to act. ``chat_id`` is where that was noticed."""

    text: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged(CallEvent):
    """connecting · listening · thinking · speaking · reconnecting."""

    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantsChanged(CallEvent):
    """Who is in the call now (names)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBegan(CallEvent):
    """A participant has begun to speak."""

    turn_id: int
    speaker: str
    speaker_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPartial(CallEvent):
    """The words of a turn as far as they are known while it may still go on: for captions, and never kept."""

    turn_id: int
    revision: int
    speaker: str
    speaker_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnHeard(CallEvent):
    """A committed turn and its words (empty: nothing intelligible)."""

    turn_id: int
    revision: int
    speaker: str
    speaker_id: int
    text: str
    language: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnIgnored(CallEvent):
    """A turn that was heard and is not answered; ``reason`` says why, such as ``not addressed`` or ``backchannel``."""

    turn_id: int
    speaker: str
    speaker_id: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseInterruption(CallEvent):
    """The bot fell silent because of a participant, and goes on: it was a sign of listening, a noise, or meant for somebody else.

    ``turn_id`` is of the reply that goes on, ``words`` what the participant said (empty: nothing intelligible).
    """

    turn_id: int
    by: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced(CallEvent):
    """The bot has said something that nobody asked for; ``heard`` is what was played of it."""

    text: str
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyBegan(CallEvent):
    """The first sample of a reply has left."""

    turn_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseSpoken(CallEvent):
    """A clause of a reply begins to be heard."""

    turn_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(CallEvent):
    """A reply was cut off by a participant; ``heard`` is what had been played of it."""

    turn_id: int
    by: str
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEnded(CallEvent):
    """A turn and its reply, whole: the row that is stored, shown and measured.

    ``spans_ms`` are contiguous, in order, from the last speech sample to the first audible sample of the reply.
    """

    turn_id: int
    revision: int
    speaker: str
    speaker_id: int
    heard: str
    reply: str
    reply_heard: str
    interrupted: bool
    spans_ms: dict[str, float] = field(default_factory=dict)
    speech_ended_at_s: float = 0.0
    first_sound_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessageAnswered(CallEvent):
    """The answer to a voice message has been sent. ``spans_ms`` are contiguous, in order, from its arrival.

    They are ``wait`` (for its turn), ``download``, ``decode``, ``transcribe``, ``think`` (of the first clause), ``speak`` (the rest of the
    thinking included), ``encode`` and ``upload``; what was not done is left out.
    """

    message_id: int
    spoken: bool
    spans_ms: dict[str, float]
    speaker: str = ""
    speaker_id: int = 0
    said: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFailed(CallEvent):
    """A speech engine or the brain failed; ``part`` is hearing, thinking or speaking."""

    part: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRetried(CallEvent):
    """An engine gave nothing in good time, or failed, and was asked a second time; nobody noticed more than a delay."""

    part: str
    engine: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReplaced(CallEvent):
    """An engine failed, and the engine ``by`` was asked in its place."""

    part: str
    engine: str
    what: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsed(CallEvent):
    """The brain has used a tool for its reply to a turn; ``outcome`` is done, failed, timed out, refused or cut off."""

    turn_id: int
    tool: str
    arguments: str
    outcome: str
    result: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFailed(CallEvent):
    """What happens in calls cannot be stored (``chat_id`` 0: all of them); told once for each trouble, in plain words. The calls go on.

    ``key`` as for :class:`CallLeft`.
    """

    what: str
    key: str = ""


Listener = Callable[[CallEvent], None]


class EventBus:
    """Hands each event to every listener at once, in the order of subscription. A listener that raises is logged and kept."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._of_chats: dict[int, list[Listener]] = {}

    def subscribe(self, listener: Listener, chat_id: int | None = None) -> Callable[[], None]:
        """Add a listener, to the events of one chat or (``None``) of all, which hear first; calling what is returned removes it."""
        listeners = self._listeners if chat_id is None else self._of_chats.setdefault(chat_id, [])
        listeners.append(listener)

        def remove() -> None:
            listeners.remove(listener)
            if chat_id is not None and not listeners and self._of_chats.get(chat_id) is listeners:
                del self._of_chats[chat_id]

        return remove

    def publish(self, event: CallEvent) -> None:
        """Tell every listener whom it concerns."""
        for listener in (*self._listeners, *self._of_chats.get(event.chat_id, ())):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)


def as_json(event: CallEvent) -> dict[str, Any]:
    """The event as plain data, its type under ``event``."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}


class EventLog:
    """Appends each event to a file, one JSON object a line; subscribe it to a bus."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __call__(self, event: CallEvent) -> None:
        """Append one event."""
        self._file.write(json.dumps(as_json(event), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
