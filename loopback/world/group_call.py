"""What a voice chat is: its participants and its version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telethon.tl import types as t

from loopback.mtproto.wire import Tl

if TYPE_CHECKING:
    from loopback.mtproto.session import Session
    from loopback.world.accounts import Account
    from loopback.world.chats import Chat


@dataclass(slots=True, eq=False)
class CallParticipant:
    """Somebody in a voice chat.

    ``source`` is the SSRC as a signed 32-bit number. ``may_unmute`` False together with ``muted`` is a mute by an admin.
    ``muted_for`` holds those who have muted this person for themselves alone, ``volumes`` what they have set. ``as_chat`` is the chat as
    which the person appears. ``hand_rating`` grows with the moment at which the hand was raised. ``is_extra`` marks one without a client,
    who never times out. ``checked_at`` and ``fetched_at`` are the last ``phone.checkGroupCall`` and the last piece of a stream.
    """

    account: Account
    source: int
    joined_at: float
    session: Session | None
    muted: bool = False
    may_unmute: bool = True
    volume_by_admin: int | None = None
    muted_for: set[int] = field(default_factory=set)
    volumes: dict[int, int] = field(default_factory=dict)
    as_chat: Chat | None = None
    hand_rating: int | None = None
    active_at: int | None = None
    is_extra: bool = False
    streams: bool = False
    checked_at: float = 0.0
    fetched_at: float = 0.0

    @property
    def muted_by_admin(self) -> bool:
        """Muted, and not allowed to change that."""
        return self.muted and not self.may_unmute

    @property
    def peer(self) -> Tl:
        """As whom the others see this participant."""
        return t.PeerUser(self.account.id) if self.as_chat is None else self.as_chat.peer


@dataclass(slots=True, eq=False)
class GroupCall:
    """A voice chat; ``ended_at`` is set once, for good. ``starts_at`` is None for one that has started.

    ``subscribers`` want to be told of the start. ``speaker_hash`` is in the link with which a muted newcomer may speak.
    """

    id: int
    access_hash: int
    chat: Chat
    started_at: float
    title: str | None = None
    join_muted: bool = False
    version: int = 1
    ended_at: float | None = None
    participants: dict[int, CallParticipant] = field(default_factory=dict)
    starts_at: int | None = None
    subscribers: set[int] = field(default_factory=set)
    rtmp: bool = False
    recorded_since: int | None = None
    speaker_hash: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.ended_at is not None

    @property
    def streams(self) -> bool:
        """Whether some listen to it in pieces."""
        return self.rtmp or any(participant.streams for participant in self.participants.values())

    def input(self) -> Tl:
        """How clients name it."""
        return t.InputGroupCall(self.id, self.access_hash)

    def duration_s(self, now: float) -> int:
        """How long it has lasted, or did."""
        return int((self.ended_at if self.ended_at is not None else now) - self.started_at)

    def named(self, peer: Tl) -> CallParticipant | None:
        """The participant who appears as this peer."""
        return next((p for p in self.participants.values() if p.peer == peer), None)
