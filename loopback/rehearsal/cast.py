"""What the player needs of the people, of the chats, of the bot's process, and of whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from loopback.people.ear import Ear
from loopback.people.mouth import Spoken


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as it was written or last edited; ``at_s`` is of the monotonic clock.

    ``chat`` is the name of the chat, ``voice_note`` the Ogg file of a voice note.
    """

    at_s: float
    author: str
    text: str
    from_bot: bool = False
    chat: str = ""
    message_id: int = 0
    voice_note: bytes = b""


@dataclass(slots=True)
class ChatLog:
    """The messages of all chats in the order in which they were seen, an edited one once more."""

    messages: list[ChatMessage] = field(default_factory=list)

    def add(self, message: ChatMessage) -> None:
        """Append one."""
        self.messages.append(message)

    def from_bot_after(self, index: int, chat: str | None = None) -> list[ChatMessage]:
        """What the bot has written since the log was ``index`` messages long, in one chat or all."""
        return [message for message in self.messages[index:] if message.from_bot and chat in (None, message.chat)]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done or happened, other than writing and speaking."""

    at_s: float
    text: str


@dataclass(slots=True)
class Chronicle:
    """All that happened, told to whoever watches as it does."""

    audience: Audience
    clock: Callable[[], float]
    happenings: list[Happening] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something happens now."""
        self.happenings.append(Happening(self.clock(), text))
        self.audience.note(text)


def private_chat_of(who: str) -> str:
    """The name of the private chat of somebody with the bot."""
    return f"{who}'s private chat"


class Actor(Protocol):
    """One person who types, speaks and hears. ``chat`` is the name of a chat; files are sent to the bot as a reply if so asked."""

    @property
    def name(self) -> str:
        """As shown in the chat."""

    @property
    def said(self) -> Sequence[Spoken]:
        """All that was said so far."""

    @property
    def ear(self) -> Ear:
        """All that was heard of the bot."""

    async def type(self, chat: str, text: str, *, reply_to_bot: bool = False) -> None:
        """Write a message, as a reply to the bot's newest one if so asked."""

    async def send_voice_note(self, chat: str, ogg: bytes, duration_s: float, *, caption: str = "", reply_to_bot: bool = False) -> None:
        """Send a voice note."""

    async def send_file(self, chat: str, data: bytes, name: str, *, caption: str = "", reply_to_bot: bool = False) -> None:
        """Send a file."""

    async def start_voice_chat(self, chat: str) -> None:
        """Start the voice chat of a group."""

    async def join_call(self, chat: str) -> None:
        """Join the voice chat of a group."""

    async def leave_call(self) -> None:
        """Leave the voice chat; does nothing for one who is not in it."""

    async def phone_bot(self) -> None:
        """Phone the bot; returns when it has answered.

        :raises errors.ParleyError: it has not.
        """

    async def hang_up(self) -> None:
        """End the private call, if there is one."""

    async def speak(self, pcm: bytes) -> Spoken:
        """Say ``pcm`` (24 kHz) in real time; returns when the last frame is sent.

        :raises errors.ParleyError: not in a call, or the call ended.
        """


class World(Protocol):
    """What happens without a client: to chats, to the bot in them, and to the network. ``by`` is the person who does it.

    Everything raises ``errors.ParleyError`` where it can't be done, such as ending a voice chat where there is none.
    """

    def end_voice_chat(self, chat: str, by: str) -> None:
        """End the voice chat that runs."""

    def schedule_voice_chat(self, chat: str, by: str, in_s: int) -> None:
        """Announce a voice chat."""

    def start_scheduled(self, chat: str, by: str) -> None:
        """Start the voice chat that was announced."""

    def kick_bot(self, chat: str, by: str) -> None:
        """Remove the bot from a chat."""

    def add_bot(self, chat: str, by: str) -> None:
        """Bring the bot (back) into a chat."""

    def mute_bot(self, chat: str, muted: bool) -> None:
        """Mute the bot in the voice chat, or allow it to speak again."""

    def drop_bot(self, chat: str) -> None:
        """Let the server take the bot out of the voice chat."""

    def crowd(self, chat: str, size: int) -> None:
        """Let so many people without a voice be in the voice chat."""

    async def begin_outage(self, for_all: bool) -> None:
        """Cut the bot's network, or the whole service, off."""

    async def end_outage(self, for_all: bool) -> None:
        """The network is back."""

    def fault(self, name: str, chat: str | None, *, seconds: int | None, method: str | None, times: int | None) -> None:
        """Let requests of the bot fail."""

    def lift_faults(self) -> None:
        """End all faults."""

    def set_anonymous(self, chat: str, who: str, on: bool) -> None:
        """Whether an admin writes as the chat."""

    def bot_in_call(self, chat: str) -> bool:
        """Whether the bot is in the voice chat, with a connection for sound; what a process that has died has left does not count."""

    def bot_dies(self) -> None:
        """The process in the calls ends without leaving them."""

    def requests(self, method: str, since_s: float) -> int:
        """How many requests of the bot fit a glob, since a time of :meth:`now`."""

    def now(self) -> float:
        """The server's clock."""


class BotControl(Protocol):
    """The bot as a process."""

    async def stop(self, signal_name: str = "SIGTERM") -> None:
        """End it, and wait for its end."""

    async def start(self) -> None:
        """Start it, and wait until it is ready."""

    def crash(self, signal_name: str) -> None:
        """Send a signal to that process of it which is in the calls."""

    async def ready_again(self, within_s: float) -> None:
        """Wait until it says that it is ready after the last crash.

        :raises errors.ParleyError: it does not within ``within_s``.
        """


class Audience(Protocol):
    """Whoever watches the rehearsal live."""

    def typed(self, who: str, text: str) -> None:
        """A person wrote into the chat."""

    def spoke(self, who: str, words: str, interrupting: bool) -> None:
        """A person begins to say something."""

    def waited(self, who: str, voice_to_voice_ms: float) -> None:
        """How long a person waited for the answer."""

    def note(self, text: str) -> None:
        """Something else worth knowing."""

    def failed(self, text: str) -> None:
        """Something did not go as the script expects."""
