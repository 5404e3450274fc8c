"""What happens on a loopback Telegram without a client: to its chats, to the bot in them, and to the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from loopback.people.person import PersonError
from loopback.rehearsal.cast import ChatMessage, private_chat_of
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.mailbox import Message

MOST_SILENT_S: Final = 8.0
"""A connection for sound checks itself every few seconds."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """A :class:`~loopback.rehearsal.cast.World` over a loopback Telegram; chats and people by their names in the script."""

    telegram: LoopbackTelegram
    bot: Account
    creator: Account
    accounts: Mapping[str, Account]
    chats: Mapping[str, Chat]
    left_behind: set[int] = field(default_factory=set)
    """Sources of participations whose process is gone; the server drops them by and by."""

    # ---- voice chats

    def end_voice_chat(self, chat: str, by: str) -> None:
        """End the voice chat that runs."""
        with _as_failure():
            self.telegram.end_voice_chat(self.chats[chat], self.accounts[by])

    def schedule_voice_chat(self, chat: str, by: str, in_s: int) -> None:
        """Announce a voice chat."""
        with _as_failure():
            self.telegram.schedule_voice_chat(self.chats[chat], self.accounts[by], in_s)

    def start_scheduled(self, chat: str, by: str) -> None:
        """Start the voice chat that was announced."""
        with _as_failure():
            self.telegram.start_scheduled_voice_chat(self.chats[chat], self.accounts[by])

    def crowd(self, chat: str, size: int) -> None:
        """Let so many people without a voice be in the voice chat."""
        with _as_failure():
            self.telegram.crowd(self.chats[chat], size)

    def bot_in_call(self, chat: str) -> bool:
        """Whether the bot is in the voice chat, with a connection for sound; what a process that has died has left does not count."""
        call = self.chats[chat].call
        participant = call.participants.get(self.bot.id) if call is not None else None
        if call is None or participant is None or participant.source in self.left_behind:
            return False
        silent_for_s = self.telegram.media.silent_for_s(call.id, self.bot.id)
        return silent_for_s is not None and silent_for_s < MOST_SILENT_S

    def bot_dies(self) -> None:
        """The process in the calls ends without leaving them."""
        for chat in self.chats.values():
            participant = chat.call.participants.get(self.bot.id) if chat.call is not None else None
            if participant is not None:
                self.left_behind.add(participant.source)

    # ---- the bot in its chats

    def kick_bot(self, chat: str, by: str) -> None:
        """Remove the bot from a chat. Telegram shows its creator as the one who did it.

        The call library takes a client that removes somebody for one that has left the chat itself, and ends its call.
        """
        self.telegram.remove_member(self.chats[chat], self.bot, self.creator)

    def add_bot(self, chat: str, by: str) -> None:
        """Bring the bot (back) into a chat."""
        self.telegram.add_member(self.chats[chat], self.bot, self.accounts[by])

    def mute_bot(self, chat: str, muted: bool) -> None:
        """Mute the bot in the voice chat, or allow it to speak again."""
        with _as_failure():
            self.telegram.mute_by_admin(self.chats[chat], self.bot, muted)

    def drop_bot(self, chat: str) -> None:
        """Let the server take the bot out of the voice chat."""
        with _as_failure():
            self.telegram.drop_media(self.chats[chat], self.bot)

    def set_anonymous(self, chat: str, who: str, on: bool) -> None:
        """Whether an admin writes as the chat."""
        place, account = self.chats[chat], self.accounts[who]
        rights = place.rights_of(account.id)
        if rights is None:
            raise PersonError(f"{who} is no admin of {chat} and cannot be anonymous there.", "Give the right `admin`.")
        self.telegram.set_admin(place, account, dataclasses.replace(rights, anonymous=on), account)

    # ---- trouble

    async def begin_outage(self, for_all: bool) -> None:
        """Cut the bot's network, or the whole service, off."""
        await self.telegram.begin_outage(None if for_all else self.bot)

    async def end_outage(self, for_all: bool) -> None:
        """The network is back."""
        await self.telegram.end_outage(None if for_all else self.bot)

    def fault(self, name: str, chat: str | None, *, seconds: int | None, method: str | None, times: int | None) -> None:
        """Let requests of the bot fail, those about one chat or all."""
        about = self.chats[chat] if chat is not None else None
        self.telegram.fault(name, account=self.bot, chat=about, seconds=seconds, method=method, times=times)

    def lift_faults(self) -> None:
        """End all faults and natural floods."""
        self.telegram.lift()

    def requests(self, method: str, since_s: float) -> int:
        """How many requests of the bot fit a glob, since a time of :meth:`now`."""
        return len([logged for logged in self.telegram.seen(method, self.bot) if logged.at >= since_s])

    def now(self) -> float:
        """The server's clock."""
        return float(self.telegram.server.now())

    # ---- what the bot writes

    def newest_of_bot(self, chat: str, reader: Account) -> int:
        """The number, as ``reader`` knows it, of the bot's newest message.

        :raises loopback.people.person.PersonError: it has written none.
        """
        for message in reversed(self.messages(chat)):
            if message.content.sender is self.bot and message.content.action is None:
                return message.copies[reader.id].id if reader.id in message.copies else message.id
        raise PersonError(f"The bot has written nothing in {chat} that could be replied to.", "Let it write something first.")

    def written_by_bot(self, clock: Callable[[], float], author: str) -> Reader:
        """A reader of all that the bot writes from now on."""
        places = [*self.chats, *(private_chat_of(name) for name in self.accounts)]
        return Reader(self, places, clock, author)

    def messages(self, chat: str) -> list[Message]:
        """All messages of a chat, private ones too, oldest first."""
        if chat in self.chats:
            return self.telegram.messages(self.chats[chat])
        person = next(account for name, account in self.accounts.items() if private_chat_of(name) == chat)
        return self.telegram.messages(self.bot, person)


class Reader:
    """Reads the bot's messages and edits as they come."""

    def __init__(self, backstage: Backstage, places: list[str], clock: Callable[[], float], author: str) -> None:
        self._backstage = backstage
        self._places = places
        self._clock = clock
        self._author = author
        self._seen: dict[tuple[str, int], str] = {}

    def new(self) -> Iterator[ChatMessage]:
        """What was written or edited since the last time."""
        for place in self._places:
            for message in self._backstage.messages(place):
                if message.content.sender is self._backstage.bot and message.content.action is None:
                    yield from self._news(place, message)

    def _news(self, place: str, message: Message) -> Iterator[ChatMessage]:
        text = message.content.text
        if self._seen.get((place, message.id)) != text:
            self._seen[place, message.id] = text
            note = self._voice_note(message)
            shown = text or ("(a voice note)" if note else "(a file)")
            yield ChatMessage(self._clock(), self._author, shown, True, place, message.id, note)

    def _voice_note(self, message: Message) -> bytes:
        document = getattr(message.content.media, "document", None)
        attributes = document.attributes if document is not None else ()
        is_note = any(getattr(attribute, "voice", False) for attribute in attributes)
        return self._backstage.telegram.file_of(message) if is_note else b""


@contextmanager
def _as_failure() -> Iterator[None]:
    """What the loopback Telegram refuses is the script's mistake.

    :raises loopback.people.person.PersonError: it refused.
    """
    try:
        yield
    except ValueError as refused:
        raise PersonError(f"That can't be done: {refused}.", "Look at the steps before it.") from None
