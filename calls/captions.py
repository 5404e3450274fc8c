"""What a page shows of its call: the bus's events as small messages. Pure."""

from __future__ import annotations

from typing import Any

from calls import events

Message = dict[str, Any]


def caption(event: events.CallEvent) -> Message | None:
    """The message for an event; ``None``: a page shows nothing of it."""
    match event:
        case events.TurnBegan(turn_id=turn, speaker=speaker):
            return {"type": "turn", "turn": turn, "speaker": speaker}
        case events.TurnPartial(turn_id=turn, speaker=speaker, text=text):
            return {"type": "partial", "turn": turn, "speaker": speaker, "text": text}
        case events.TurnHeard(turn_id=turn, speaker=speaker, text=text):
            return {"type": "heard", "turn": turn, "speaker": speaker, "text": text}
        case events.TurnIgnored(turn_id=turn, reason=reason):
            return {"type": "ignored", "turn": turn, "reason": reason}
        case events.ClauseSpoken(turn_id=turn, text=text):
            return {"type": "clause", "turn": turn, "text": text}
        case events.Interrupted(turn_id=turn, heard=heard):
            return {"type": "interrupted", "turn": turn, "heard": heard}
        case events.ExchangeEnded():
            return _exchange(event)
        case events.Announced(text=text, heard=heard):
            return {"type": "announced", "text": text, "heard": heard, "unspoken": "" if heard else text}
        case events.PhaseChanged(phase=phase):
            return {"type": "phase", "phase": phase}
        case events.EngineFailed(part=part):
            return {"type": "trouble", "part": part}
    return None


def _exchange(event: events.ExchangeEnded) -> Message:
    return {
        "type": "exchange",
        "turn": event.turn_id,
        "heard": event.heard,
        "reply": event.reply_heard,
        "unspoken": "" if event.interrupted else unspoken(event.reply, event.reply_heard),
        "interrupted": event.interrupted,
        "spans": event.spans_ms,
    }


def unspoken(reply: str, heard: str) -> str:
    """What of a reply that was not interrupted could not be spoken: the page shows it, and speaks it if it can."""
    if not reply or len(heard) >= len(reply):
        return ""
    return reply[len(heard) :].strip() if reply.startswith(heard) else reply
