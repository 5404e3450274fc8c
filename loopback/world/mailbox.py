"""A numbered store of messages with its ``pts`` and a log of what changed.

Each account has one (private chats and basic groups), and each supergroup and channel.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from loopback.mtproto.wire import Tl

if TYPE_CHECKING:
    from loopback.world.accounts import Account
    from loopback.world.chats import Chat

PTS_EPOCH_S: Final = 1.7e9
MAX_CHANGES: Final = 20_000


class Change(Enum):
    """What happened to messages."""

    NEW = "new"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(slots=True, eq=False)
class Content:
    """What a message says; all copies of a message in people's own mailboxes share it.

    ``as_chat`` is whom the sender appears as: an anonymous admin as the group itself, somebody as a channel of theirs.
    ``unheard`` marks a voice or video note that nobody has played yet.
    """

    sender: Account
    date: int
    text: str = ""
    media: Tl = None
    entities: list[Tl] | None = None
    action: Tl = None
    edit_date: int | None = None
    as_chat: Chat | None = None
    forwarded_from: Account | None = None
    via_bot: Account | None = None
    unheard: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """A message as its mailbox numbers it. ``peer`` is the chat, or the other person as the owner of the mailbox sees it.

    ``copies`` holds, by the owner's id, the same message in people's own mailboxes, this one included; empty in supergroups and channels.
    """

    id: int
    peer: Chat | Account
    content: Content
    reply_to: int | None = None
    out: bool = False
    copies: dict[int, Message] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: the ``pts`` after it and the messages it was about."""

    pts: int
    change: Change
    messages: tuple[Message, ...]


def first_pts() -> int:
    """Grows with the clock: a ``pts`` that went back, also over a restart, would make clients drop every update as seen."""
    return int(time.time() - PTS_EPOCH_S)


@dataclass(slots=True, eq=False)
class Mailbox:
    """Messages by number, oldest first."""

    pts: int = field(default_factory=first_pts)
    messages: dict[int, Message] = field(default_factory=dict)
    changes: deque[Entry] = field(default_factory=lambda: deque(maxlen=MAX_CHANGES))
    _last_id: int = 0

    def add(self, peer: Chat | Account, content: Content, reply_to: int | None = None, out: bool = False) -> Message:
        """Store a new message."""
        self._last_id += 1
        message = self.messages[self._last_id] = Message(self._last_id, peer, content, reply_to, out)
        self._note(Change.NEW, message)
        return message

    def edited(self, message: Message) -> None:
        """Note that a message reads differently."""
        self._note(Change.EDITED, message)

    def delete(self, ids: list[int]) -> list[Message]:
        """Remove messages; those that were there."""
        gone = [self.messages.pop(i) for i in ids if i in self.messages]
        if gone:
            self._note(Change.DELETED, *gone)
        return gone

    def since(self, pts: int) -> list[Entry]:
        """What changed after ``pts``."""
        return [entry for entry in self.changes if entry.pts > pts]

    def _note(self, change: Change, *messages: Message) -> None:
        self.pts += len(messages)
        self.changes.append(Entry(self.pts, change, messages))
