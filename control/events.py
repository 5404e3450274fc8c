"""What happens in calls, as it is told to programs: the bus's events as notifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from calls import events

NOTIFICATIONS: Final = {
    "call.incoming": "Somebody phones: chat_id (their user id), name.",
    "call.joined": "Parley is in a voice chat: chat_id, title.",
    "call.left": "Parley has left a voice chat: chat_id, reason.",
    "call.connected": "A private call was answered: chat_id, name, incoming, emojis.",
    "call.ended": "A private call is over, or did not come about: chat_id, name, reason.",
    "transcription": "A participant has said something: chat_id, turn_id, speaker, speaker_id, text, language, confidence.",
    "reply": "Parley has answered: chat_id, turn_id, speaker, speaker_id (who was answered), text, heard (what was played of it), "
    "interrupted, latency_ms.",
    "error": "Something went wrong: chat_id (0: everywhere), message, part (hearing, thinking, speaking, call, account or storage).",
    "events.lost": "Notifications were dropped because they were not read quickly enough: count.",
}
"""Every notification, and what is in it beside ``at`` (seconds since the epoch)."""
LOST: Final = "events.lost"
INCOMING: Final = "call.incoming"


@dataclass(frozen=True, slots=True)
class Told:
    """A notification. ``chat_id`` is 0 for what concerns all chats."""

    type: str
    chat_id: int
    params: dict[str, Any]


def told(event: events.CallEvent, at: float) -> Told | None:
    """What programs are told of an event that happened ``at`` (seconds since the epoch); ``None``: nothing."""
    if (named := _named(event)) is None:
        return None
    name, params = named
    return Told(name, event.chat_id, {"chat_id": event.chat_id, "at": round(at, 3), **params})


def _named(event: events.CallEvent) -> tuple[str, dict[str, Any]] | None:
    return _of_a_call(event) or _of_a_turn(event) or _of_trouble(event)


def _of_a_call(event: events.CallEvent) -> tuple[str, dict[str, Any]] | None:
    match event:
        case events.CallIncoming(name=name):
            return "call.incoming", {"name": name}
        case events.CallConnected(name=name, incoming=incoming, emojis=emojis):
            return "call.connected", {"name": name, "incoming": incoming, "emojis": emojis}
        case events.CallEnded(name=name, reason=reason):
            return "call.ended", {"name": name, "reason": reason}
        case events.CallJoined(title=title, chat_id=chat_id) if chat_id < 0:
            return "call.joined", {"title": title}
        case events.CallLeft(reason=reason, chat_id=chat_id) if chat_id < 0:
            return "call.left", {"reason": reason}
    return None


def _of_a_turn(event: events.CallEvent) -> tuple[str, dict[str, Any]] | None:
    match event:
        case events.TurnHeard(text=text) if text:
            return "transcription", _speaker(event) | {"text": text, "language": event.language, "confidence": round(event.confidence, 3)}
        case events.TurnIgnored(text=text, reason="too many waiting") if text:
            return "transcription", _speaker(event) | {"text": text, "language": "", "confidence": 0.0}
        case events.ExchangeEnded(reply=reply) if reply:
            return "reply", _speaker(event) | _reply(event)
    return None


def _speaker(event: events.TurnHeard | events.TurnIgnored | events.ExchangeEnded) -> dict[str, Any]:
    return {"turn_id": event.turn_id, "speaker": event.speaker, "speaker_id": event.speaker_id}


def _reply(event: events.ExchangeEnded) -> dict[str, Any]:
    latency_ms = None if event.first_sound_at_s is None else round(1000 * (event.first_sound_at_s - event.speech_ended_at_s))
    return {"text": event.reply, "heard": event.reply_heard, "interrupted": event.interrupted, "latency_ms": latency_ms}


def _of_trouble(event: events.CallEvent) -> tuple[str, dict[str, Any]] | None:
    match event:
        case events.EngineFailed(part=part, what=what):
            return "error", {"message": what, "part": part}
        case events.AccountTrouble(text=text):
            return "error", {"message": text, "part": "account"}
        case events.StorageFailed(what=what):
            return "error", {"message": what, "part": "storage"}
        case events.CallNotice(text=text, key="notice.paused"):
            return "error", {"message": text, "part": "call"}
    return None
