"""Who may command: the six levels. What Telegram says of a chat's admins is remembered for a short while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from telethon import TelegramClient, events
from telethon.tl import functions, types
from telethon.utils import get_peer_id

from handlers.command import Authority

KNOWN_FOR_S: Final = 300.0
ASKED_AGAIN_AFTER_S: Final = 15.0
"""Telegram tells nobody but the person themselves of a promotion, so somebody who is no admin is soon looked for again."""
MOST_CHATS: Final = 500
MOST_ADMINS: Final = 200
CHANGES: Final = (types.UpdateChannel, types.UpdateChat, types.UpdateChatParticipants, types.UpdateChatParticipantAdmin)


class Grants(Protocol):
    """The lists that people keep with commands; ids of people, and in the black list of chats, too."""

    async def sudo(self) -> Collection[int]:
        """Who may do nearly everything in every chat."""

    async def authorised(self, chat_id: int) -> Collection[int]:
        """Who may use the bot in this chat a little more than others."""

    async def blacklisted(self) -> Collection[int]:
        """Who is not listened to."""


@dataclass(frozen=True, slots=True)
class _Admins:
    may_manage_calls: frozenset[int]
    at_s: float


class Admins:
    """The people of each chat who may manage its voice chats; ``clock`` gives seconds."""

    def __init__(self, client: TelegramClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._of_chat: OrderedDict[int, _Admins] = OrderedDict()
        client.add_event_handler(self._on_update, events.Raw(types=CHANGES))

    async def include(self, message: Any, not_older_than_s: float) -> bool:
        """Whether the sender of ``message`` is one of them; a no is given by a list that is ``not_older_than_s``.

        :raises telethon.errors.RPCError: Telegram did not answer the question.
        """
        known = self._of_chat.get(message.chat_id)
        age_s = self._clock() - known.at_s if known else KNOWN_FOR_S
        included = known is not None and message.sender_id in known.may_manage_calls
        if known is None or age_s >= (KNOWN_FOR_S if included and not_older_than_s > 0 else not_older_than_s):
            known = await self._ask(message)
        return message.sender_id in known.may_manage_calls

    async def _ask(self, message: Any) -> _Admins:
        chat_id = message.chat_id
        found = _Admins(await self._list(await message.get_input_chat()), self._clock())
        self._of_chat[chat_id] = found
        self._of_chat.move_to_end(chat_id)
        if len(self._of_chat) > MOST_CHATS:
            self._of_chat.popitem(last=False)
        return found

    async def _list(self, chat: Any) -> frozenset[int]:
        if isinstance(chat, types.InputPeerChat):
            full = await self._client(functions.messages.GetFullChatRequest(chat.chat_id))
            participants = getattr(full.full_chat.participants, "participants", ())
        else:
            admins = types.ChannelParticipantsAdmins()
            answer = await self._client(functions.channels.GetParticipantsRequest(chat, admins, offset=0, limit=MOST_ADMINS, hash=0))
            participants = answer.participants
        return frozenset(participant.user_id for participant in participants if _manages_calls(participant))

    def forget(self, chat_id: int | None = None) -> None:
        """Ask Telegram again about this chat, or about all of them."""
        if chat_id is None:
            self._of_chat.clear()
        else:
            self._of_chat.pop(chat_id, None)

    async def _on_update(self, update: Any) -> None:
        self.forget(_chat_of(update))


def _manages_calls(participant: Any) -> bool:
    if isinstance(participant, types.ChannelParticipantAdmin):
        return bool(participant.admin_rights.manage_call)
    return isinstance(participant, types.ChannelParticipantCreator | types.ChatParticipantCreator | types.ChatParticipantAdmin)


def _chat_of(update: Any) -> int:
    if isinstance(update, types.UpdateChannel):
        return int(get_peer_id(types.PeerChannel(update.channel_id)))
    chat_id = update.participants.chat_id if isinstance(update, types.UpdateChatParticipants) else update.chat_id
    return int(get_peer_id(types.PeerChat(chat_id)))


class Authorities:
    """Answers what the sender of a message may. ``owners`` are the account itself and the people of ``OWNER_ID``."""

    def __init__(self, admins: Admins, grants: Grants, owners: Collection[int]) -> None:
        self._admins = admins
        self._grants = grants
        self._owners = frozenset(owners)

    async def of(self, message: Any, needed: Authority) -> Authority:
        """What the sender has. Telegram is asked about admins seldom, and for ``needed`` up to a member's level only in passing.

        :raises telethon.errors.RPCError: Telegram did not tell, and it matters for ``needed``.
        """
        listed = await self._listed(message)
        if listed is not None:
            return listed
        if await self._manages_calls(message, ASKED_AGAIN_AFTER_S if needed > Authority.MEMBER else KNOWN_FOR_S, needed):
            return Authority.CALL_MANAGER
        authorised = message.sender_id in await self._grants.authorised(message.chat_id)
        return Authority.AUTHORISED if authorised else Authority.MEMBER

    async def anew(self, message: Any) -> Authority:
        """The same, with Telegram asked about the admins now.

        :raises telethon.errors.RPCError: Telegram did not tell.
        """
        if await self._listed(message) is None:
            await self._admins.include(message, 0.0)
        return await self.of(message, Authority.CALL_MANAGER)

    async def shut_out(self, message: Any) -> bool:
        """Whether the sender or the whole chat is on the black list. An owner never is."""
        if self._is_owner(message):
            return False
        return not {message.sender_id, message.chat_id}.isdisjoint(await self._grants.blacklisted())

    def _is_owner(self, message: Any) -> bool:
        return bool(message.out) or message.sender_id in self._owners

    async def _listed(self, message: Any) -> Authority | None:
        """The level that does not depend on the chat's admins; None where it does."""
        if self._is_owner(message):
            return Authority.OWNER
        if message.sender_id in await self._grants.sudo():
            return Authority.SUDO
        if message.is_private:
            allowed = message.sender_id in await self._grants.authorised(message.chat_id)
            return Authority.AUTHORISED if allowed else Authority.STRANGER
        if is_anonymous_admin(message):
            return Authority.CALL_MANAGER
        return Authority.STRANGER if message.sender_id is None or message.sender_id < 0 else None

    async def _manages_calls(self, message: Any, not_older_than_s: float, needed: Authority) -> bool:
        try:
            return await self._admins.include(message, not_older_than_s)
        except Exception:
            if needed > Authority.MEMBER:
                raise
            return False


def is_anonymous_admin(message: Any) -> bool:
    """Whether the message was written in the name of its own chat: by an anonymous admin, or as a channel's post.

    Telegram then names the chat as the sender, or nobody.
    """
    return not message.is_private and message.sender_id in (message.chat_id, None)


class NoGrants:
    """Lists with nobody on them."""

    async def sudo(self) -> Collection[int]:
        """Nobody."""
        return ()

    async def authorised(self, chat_id: int) -> Collection[int]:
        """Nobody."""
        return ()

    async def blacklisted(self) -> Collection[int]:
        """Nobody."""
        return ()


AUTHORITY_KEYS: Final[Mapping[Authority, str]] = {
    Authority.MEMBER: "refused.member",
    Authority.AUTHORISED: "refused.authorised",
    Authority.CALL_MANAGER: "refused.call_manager",
    Authority.SUDO: "refused.sudo",
    Authority.OWNER: "refused.owner",
}
"""What somebody below the level is told."""
