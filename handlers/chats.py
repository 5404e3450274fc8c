"""Commands that are given in one chat and mean another, such as ``/joincall @channel``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from telethon import TelegramClient
from telethon.tl import types
from telethon.utils import get_peer_id

from handlers.command import Request, WrongArguments

_CHAT: Final = re.compile(r"@[A-Za-z]\w{3,31}|-\d{1,16}")
CHATS: Final = (types.InputPeerChannel, types.InputPeerChat)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A chat that was named, and who named it; :class:`handlers.authority.Authorities` takes it for a message that was written there.

    ``sender_id`` is 0 for whoever writes anonymously: what they are in their own chat is not told elsewhere.
    """

    chat_id: int
    title: str
    sender_id: int
    out: bool
    peer: Any
    is_private: bool = False

    async def get_input_chat(self) -> Any:
        """What requests take for the chat."""
        return self.peer


def chat_named(arguments: str) -> tuple[str, str] | None:
    """The chat that ``arguments`` begin with, and the rest of them; None: they name none."""
    first, _, rest = arguments.partition(" ")
    return (first, rest.strip()) if _CHAT.fullmatch(first) else None


def known_chat(client: TelegramClient, name: str) -> Any:
    """What requests take for a chat that the account is in or has met; Telegram is not asked, as that is soon too often.

    :raises ValueError: it knows none of that name.
    """
    peer = client.session.get_input_entity(int(name) if name.startswith("-") else name)
    if not isinstance(peer, CHATS):
        raise ValueError(f"{name} is no chat")
    return peer


def elsewhere(client: TelegramClient, request: Request, name: str) -> Elsewhere:
    """The chat that the sender of a command means by ``name``.

    :raises handlers.command.WrongArguments: the account knows no such chat.
    """
    try:
        peer = known_chat(client, name)
    except ValueError:
        raise WrongArguments(request.say("chat_unknown", name=name)) from None
    return Elsewhere(int(get_peer_id(peer)), name, max(0, request.sender_id), bool(request.message.out), peer)
