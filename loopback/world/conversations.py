"""A conversation is a chat or another person; where its messages are kept depends on which."""

from __future__ import annotations

from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.mailbox import Mailbox

Place = Chat | Account


def mailbox_of(where: Place, viewer: Account) -> Mailbox:
    """Where the messages of a conversation are kept for one who looks at it."""
    return where.mailbox if isinstance(where, Chat) and not where.is_basic else viewer.mailbox
