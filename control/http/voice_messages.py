"""What a WebSocket client says and is told beside the sound: JSON. Pure."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from calls.lines.websocket import Output, Playing
from config import Settings
from errors import ParleyError

HEARTBEAT: Final = '{"type":"heartbeat"}'
PONG: Final = '{"type":"pong"}'
LARGEST_TEXT: Final = 4096
KNOWN_TYPES: Final = "ping, end_call and start"


class MessageError(ParleyError):
    """A message that is not understood; the call goes on. ``key`` is the code that the client is told."""


def _number(told: object) -> object:
    """In an address it is text."""
    return int(told) if isinstance(told, str) and told.isascii() and told.isdigit() else told


class PlayerWishes(BaseModel):
    """How the client plays, from the address (``?output=pcm``) or a ``start`` message; what is not said is as the settings have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: Output | None = None
    rate: Annotated[Literal[8000, 16_000, 24_000, 48_000], BeforeValidator(_number)] | None = None
    buffer_ms: Annotated[int, Field(ge=0, le=2000)] | None = None
    clear: bool = False
    captions: bool = False

    def playing(self, settings: Settings) -> Playing:
        """For the line."""
        return Playing(
            output=self.output or Output(settings.audio_format),
            rate_hz=self.rate or settings.sample_rate,
            buffer_ms=60 if self.buffer_ms is None else self.buffer_ms,
            clears=self.clear,
        )


class CallWishes(PlayerWishes):
    """The address may say more than ``start``: what cannot change during a call."""

    session_id: Annotated[str, Field(max_length=64)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    name: Annotated[str, Field(min_length=1, max_length=64)] = "caller"


class Ping:
    """Answered with ``pong``."""


class EndCall:
    """Hang up."""


Message = Ping | EndCall | PlayerWishes
Wishes = TypeVar("Wishes", bound=PlayerWishes)


def understood(text: str) -> Message:
    """A text message of the client.

    :raises MessageError: it is no JSON object of a known type.
    """
    if len(text) > LARGEST_TEXT:
        raise MessageError("This message is too long.", f"Send at most {LARGEST_TEXT} characters.", key="too_long")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("This is no JSON.", "Send sound as binary messages.", key="not_json") from None
    kind = message.pop("type", None) if isinstance(message, dict) else None
    match kind:
        case "ping":
            return Ping()
        case "end_call":
            return EndCall()
        case "start":
            return wishes(PlayerWishes, message)
        case _:
            raise MessageError("A message of this type is not known.", f"There are {KNOWN_TYPES}.", key="unknown_type")


def wishes(kind: type[Wishes], fields: Any) -> Wishes:
    """What is asked for.

    :raises MessageError: something in it is wrong; all of that is told.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as wrong:
        told = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg'].lower()}" for error in wrong.errors()[:5])
        raise MessageError(f"Not understood: {told}.", "docs/websocket.md says what can be asked for.", key="bad_request") from None


def status(call_id: str, state: str, **more: Any) -> str:
    """Where the call stands."""
    return json.dumps({"type": "status", "call_id": call_id, "state": state, **more})


def error(code: str, message: str) -> str:
    """Something is wrong with what the client sent, or with the call."""
    return json.dumps({"type": "error", "code": code, "message": message})
