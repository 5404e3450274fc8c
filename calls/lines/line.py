"""What every line (the transport that carries a call) is to the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from audio.playout import Playout


@dataclass(frozen=True, slots=True)
class Participant:
    """One speaker in a call. On Telegram ``id`` is the user (or channel) id and ``ssrc`` the unsigned 32-bit source of the sound."""

    id: int
    name: str
    ssrc: int | None = None


HearingSink = Callable[[Participant, bytes], None]
"""Takes one 10 ms frame of one participant (16 kHz mono, 320 bytes); called on the event loop, must return at once."""


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """Somebody is in the call now (also sent for everybody already there when the line opens)."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """Somebody has left the call."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class AttendanceKnown:
    """Everybody who is in the call has been named by now: without this nobody knows whether Parley is alone."""


@dataclass(frozen=True, slots=True)
class MutedByAdmin:
    """Parley may not be heard until :class:`UnmutedByAdmin`."""


@dataclass(frozen=True, slots=True)
class UnmutedByAdmin:
    """Parley may be heard again."""


@dataclass(frozen=True, slots=True)
class LineClosed:
    """Nothing to come back to: the voice chat was ended by somebody, or what ``reason`` says.

    ``goes_on``: the voice chat itself does, and Parley must not come back to it unasked.
    """

    reason: str = "the voice chat was ended"
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class LineRemoved:
    """Parley's account was removed from the chat itself: it must not try to come back."""


@dataclass(frozen=True, slots=True)
class LineDropped:
    """The server dropped our connection to the voice chat, which goes on: rejoining is in order."""


@dataclass(frozen=True, slots=True)
class LineLost:
    """The line noticed by itself that sound no longer flows; ``reason`` says how."""

    reason: str


@dataclass(frozen=True, slots=True)
class LineHungUp:
    """A private call is over. ``reason`` is for the person at the other end, ``key`` names it in the catalogues; empty: they hung up."""

    reason: str = ""
    key: str = ""


LineEvent = (
    ParticipantJoined
    | ParticipantLeft
    | AttendanceKnown
    | MutedByAdmin
    | UnmutedByAdmin
    | LineClosed
    | LineRemoved
    | LineDropped
    | LineLost
    | LineHungUp
)


class Line(Protocol):
    """A way of being in a call: opened once, closed once."""

    @property
    def description(self) -> str:
        """For people, such as ``voice chat of "Book club"``."""

    @property
    def voice_chat_id(self) -> int | None:
        """Which of a chat's voice chats this is; ``None`` before it was found, and on lines of another kind."""

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """Join. From then on frames go to ``sink`` and every 10 ms one frame is pulled from ``playout``, never more than 30 ms ahead.

        :raises errors.LineError: it could not be opened; nothing is left behind.
        """

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens on the line, in order; ends when the line is closed."""

    async def close(self) -> None:
        """Leave and free everything. Safe to call twice, and on a line that broke."""
