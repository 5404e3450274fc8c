"""The media sockets of telephone carriers: one protocol of JSON messages, and a table of the names that each carrier gives its parts.

A carrier whose messages differ in names alone is one more :class:`Dialect`; one that sends sound as binary messages needs its own reader.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

LONGEST_MESSAGE: Final = 65_536
MOST_PARAMETERS: Final = 16
KEYS: Final = frozenset("0123456789*#ABCD")


class MediaSocket(Protocol):
    """A connection to a carrier, over which text messages go both ways."""

    async def receive(self) -> str | None:
        """The next message; ``None``: the connection is over."""

    async def send(self, text: str) -> None:
        """Send a message; waits while the carrier does not read.

        :raises ConnectionError: the connection is over.
        """

    async def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True, slots=True)
class Started:
    """The stream begins; ``parameters`` are those that its order named."""

    stream_id: str
    call_id: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sound:
    """A packet of what the person says, in the carrier's encoding."""

    number: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Marked:
    """Everything before this mark was played, or thrown away by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class Digit:
    """The person has pressed a key: 0-9, ``*``, ``#``, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream is over."""


CarrierMessage = Started | Sound | Marked | Digit | Stopped
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where each part stands in a carrier's messages. ``rate_hz`` is of its μ-law sound; a packet to it has ``packet_ms``."""

    name: str
    stream_id: Path
    call_id: Path
    parameters: Path
    number: Path = ("media", "chunk")
    payload: Path = ("media", "payload")
    mark: Path = ("mark", "name")
    digit: Path = ("dtmf", "digit")
    names_stream_as: str | None = None
    """Messages to the carrier carry the stream's id under this name."""
    rate_hz: int = 8_000
    packet_ms: int = 20

    def read(self, text: str) -> CarrierMessage | None:
        """What a message says; ``None``: nothing that matters, or it cannot be read."""
        if len(text) > LONGEST_MESSAGE:
            return None
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict):
            return None
        match message.get("event"):
            case "media":
                return self._sound(message)
            case "mark":
                return Marked(name) if (name := _text(message, self.mark)) else None
            case "dtmf":
                return Digit(digit) if (digit := _text(message, self.digit)) in KEYS else None
            case "start":
                return self._started(message)
            case "stop":
                return Stopped()
        return None

    def _sound(self, message: dict[str, Any]) -> Sound | None:
        number, payload = _text(message, self.number), _text(message, self.payload)
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            return None
        try:
            return Sound(int(number), base64.b64decode(payload, validate=True)) if payload else None
        except binascii.Error:
            return None

    def _started(self, message: dict[str, Any]) -> Started | None:
        stream_id, call_id, parameters = _text(message, self.stream_id), _text(message, self.call_id), _at(message, self.parameters)
        if not stream_id or not call_id:
            return None
        named = parameters if isinstance(parameters, dict) else {}
        return Started(stream_id, call_id, {str(name): str(named[name]) for name in list(named)[:MOST_PARAMETERS]})

    def sound(self, stream_id: str, payload: bytes) -> str:
        """The message that has sound played after what was sent before."""
        return self._message("media", stream_id, media={"payload": base64.b64encode(payload).decode()})

    def mark_after(self, stream_id: str, name: str) -> str:
        """The message that asks to be told when everything before it was played."""
        return self._message("mark", stream_id, mark={"name": name})

    def clear(self, stream_id: str) -> str:
        """The message that has everything forgotten that was not played yet."""
        return self._message("clear", stream_id)

    def _message(self, event: str, stream_id: str, **parts: object) -> str:
        named = {self.names_stream_as: stream_id} if self.names_stream_as else {}
        return json.dumps({"event": event, **named, **parts}, separators=(",", ":"))


def _at(message: Any, path: Path) -> Any:
    for name in path:
        message = message.get(name) if isinstance(message, dict) else None
    return message


def _text(message: dict[str, Any], path: Path) -> str:
    found = _at(message, path)
    return str(found) if isinstance(found, str | int) else ""


TWILIO: Final = Dialect(
    name="Twilio",
    stream_id=("start", "streamSid"),
    call_id=("start", "callSid"),
    parameters=("start", "customParameters"),
    names_stream_as="streamSid",
)
TELNYX: Final = Dialect(
    name="Telnyx", stream_id=("stream_id",), call_id=("start", "call_control_id"), parameters=("start", "custom_parameters")
)
"""As its documentation has it; no call has been made through it."""
