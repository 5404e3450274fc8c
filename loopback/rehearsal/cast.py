"""What the player needs of the people, of the chat, and of whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from loopback.people.ear import Ear
from loopback.people.mouth import Spoken


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the group as it was written or last edited; ``at_s`` is of the monotonic clock."""

    at_s: float
    author: str
    text: str
    from_bot: bool = False


@dataclass(slots=True)
class ChatLog:
    """The messages of the group in the order in which they were seen, an edited one once more."""

    messages: list[ChatMessage] = field(default_factory=list)

    def add(self, message: ChatMessage) -> None:
        """Append one."""
        self.messages.append(message)

    def from_bot_after(self, index: int) -> list[ChatMessage]:
        """What the bot has written since the log was ``index`` messages long."""
        return [message for message in self.messages[index:] if message.from_bot]


class Actor(Protocol):
    """One person who types, speaks and hears."""

    @property
    def name(self) -> str:
        """As shown in the chat."""

    @property
    def said(self) -> Sequence[Spoken]:
        """All that was said so far."""

    @property
    def ear(self) -> Ear:
        """All that was heard of the bot."""

    async def type(self, text: str) -> None:
        """Write a message into the group."""

    async def start_voice_chat(self) -> None:
        """Start the voice chat of the group."""

    async def join_call(self) -> None:
        """Join the voice chat."""

    async def leave_call(self) -> None:
        """Leave the voice chat; does nothing for one who is not in it."""

    async def speak(self, pcm: bytes) -> Spoken:
        """Say ``pcm`` (24 kHz) in real time; returns when the last frame is sent.

        :raises errors.ParleyError: not in a call, or the call ended.
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
