"""Results and notifications of the control socket, in words for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

TimeOfDay = Callable[[float], str]
"""Seconds since the epoch, as people read them."""


def as_text(method: str, result: dict[str, Any], time_of_day: TimeOfDay) -> str:
    """A result."""
    write = _WRITERS.get(method)
    return write(result, time_of_day) if write else json.dumps(result, ensure_ascii=False, indent=2)


def happened(notification: dict[str, Any], time_of_day: TimeOfDay) -> str:
    """A notification, one line."""
    name, told = notification["method"], notification.get("params", {})
    write = _EVENTS.get(name)
    words = write(told) if write else json.dumps(told, ensure_ascii=False)
    place = f" [{told['chat_id']}]" if told.get("chat_id") else ""
    when = f"{time_of_day(told['at'])} " if "at" in told else ""
    return f"{when}{name}{place} {words}".replace("\n", " ").rstrip()


def _status(status: dict[str, Any], _time_of_day: TimeOfDay) -> str:
    return "\n".join(
        [
            f"{'✅' if status['running'] and status['telethon'] else '⚠️'} {status['service']} {status['version']}, "
            f"{'running' if status['running'] else 'about to end'} for {round(status['uptime_s'])} s",
            f"Telegram: {'connected' if status['telethon'] else 'not connected'} as {status['account_id']}; {status['framework']}",
            f"Hears with {status['hearing']}, speaks with {status['voice']}",
            f"In calls: {', '.join(map(str, status['active_sessions'])) or 'none'}",
        ]
    )


def _calls(result: dict[str, Any], time_of_day: TimeOfDay) -> str:
    return "\n".join(_call(call, time_of_day) for call in result["calls"]) or "There are no calls."


def _call(call: dict[str, Any], time_of_day: TimeOfDay) -> str:
    parts = [
        f"{call['chat_id']} {call['title']}".rstrip(),
        f"{call['state']}{f' ({phase})' if (phase := call['phase']) else ''}",
        f"since {time_of_day(call['since'])}" if call["since"] else "",
        f"with {', '.join(call['participants'])}" if call["participants"] else "",
        f"next try {time_of_day(call['next_try_at'])}" if call["next_try_at"] else "",
        call["why"] or "",
    ]
    return " · ".join(part for part in parts if part)


def _transcript(result: dict[str, Any], time_of_day: TimeOfDay) -> str:
    lines = []
    for line in result["lines"]:
        lines.append(f"{time_of_day(line['at'])} {line['speaker']}: {line['heard']}")
        if line["reply_heard"]:
            lines.append(f"{' ' * len(time_of_day(line['at']))} → {line['reply_heard']}")
    return "\n".join(lines) or "Nothing is kept of what was said there."


def _appointments(result: dict[str, Any], time_of_day: TimeOfDay) -> str:
    return "\n".join(_appointment(each, time_of_day) for each in result["appointments"]) or "There are no appointments."


def _appointment(each: dict[str, Any], time_of_day: TimeOfDay) -> str:
    parts = [
        f"{each['id']} {each['when']} ({each['time_zone']})",
        f"next {time_of_day(each['next_at'])}{f' ({state})' if (state := each['state']) else ''}",
        f"{each['method']} {each['target'] or each['chat_id']}",
        each["opening"],
    ]
    return " · ".join(part for part in parts if part)


_WRITERS: Final[dict[str, Callable[[dict[str, Any], TimeOfDay], str]]] = {
    "status": _status,
    "join": lambda result, _: f"✅ In the call of {result['title']}.",
    "leave": lambda _result, _: "✅ Left.",
    "speak": lambda result, _: "✅ Said." if result["spoken"] else "⚠️ Nothing of it was heard: cut off, muted, or speaking is off there.",
    "calls.list": _calls,
    "transcript.get": _transcript,
    "call.start": lambda result, _: f"✅ In a call with {result['user_id']}.",
    "call.accept": lambda result, _: f"✅ In a call with {result['user_id']}.",
    "call.reject": lambda result, _: f"✅ Declined {result['user_id']}.",
    "link.create": lambda result, time_of_day: f"{result['url']}\nCan be used once, until {time_of_day(result['expires_at'])}.",
    "schedule.add": lambda result, time_of_day: f"✅ {_appointment(result, time_of_day)}",
    "schedule.list": _appointments,
    "schedule.cancel": lambda result, _: f"✅ Appointment {result['id']} is cancelled.",
    "call.hangup": lambda result, _: f"✅ Ended the call with {result['user_id']}.",
}

_EVENTS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "call.incoming": lambda told: f"{told['name']} phones",
    "call.joined": lambda told: told["title"],
    "call.left": lambda told: told["reason"],
    "call.connected": lambda told: f"{told['name']} {told['emojis']}",
    "call.ended": lambda told: f"{told['name']} {told['reason']}",
    "transcription": lambda told: f"{told['speaker']}: {told['text']}",
    "reply": lambda told: f"to {told['speaker']}: {told['heard']}{' (cut off)' if told['interrupted'] else ''}",
    "error": lambda told: f"⚠️ {told['part']}: {told['message']}",
    "events.lost": lambda told: f"{told['count']} notifications were not read quickly enough",
}
