"""Appearing in a voice chat as a channel: which ones Telegram allows, and which one is chosen for a chat."""

from __future__ import annotations

from typing import Any

from telethon import TelegramClient
from telethon.tl import functions
from telethon.utils import get_display_name, get_peer_id

from handlers.chats import known_chat
from handlers.command import Request, WrongArguments
from storage import chats
from storage.database import Database

MYSELF = "me"


class JoinAs:
    """Keeps the choice of each chat."""

    def __init__(self, client: TelegramClient, database: Database) -> None:
        self._client = client
        self._database = database

    async def choose(self, request: Request, name: str) -> None:
        """Appear as the channel called ``name`` from the next join on; ``me``: as the account itself.

        :raises handlers.command.WrongArguments: Telegram does not let the account appear as that here; the text says as what it does.
        """
        chosen = None if name.lower() == MYSELF else await self._allowed(request, name)
        await chats.change(self._database, request.chat_id, join_as=chosen)

    async def _allowed(self, request: Request, name: str) -> int:
        answer = await self._client(functions.phone.GetGroupCallJoinAsRequest(known_chat(self._client, str(request.chat_id))))
        allowed = {get_peer_id(peer) for peer in answer.peers}
        wanted = self._named(name, answer.chats)
        if wanted not in allowed:
            names = [_shown(chat) for chat in answer.chats if get_peer_id(chat) in allowed]
            raise WrongArguments(request.say("join.not_as", name=name[:40], names=", ".join([*names, MYSELF])))
        return wanted

    def _named(self, name: str, candidates: list[Any]) -> int:
        for chat in candidates:
            if name.lower() in {str(get_peer_id(chat)), f"@{getattr(chat, 'username', None) or ''}".lower()}:
                return int(get_peer_id(chat))
        return 0


def _shown(chat: Any) -> str:
    username = getattr(chat, "username", None)
    return f"@{username}" if username else f"{get_display_name(chat)} ({get_peer_id(chat)})"
