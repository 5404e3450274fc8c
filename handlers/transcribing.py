"""``/transcribe``: a voice message in writing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from errors import ParleyError
from handlers.command import Authority, Command, Request

COST: Final = 5


class Transcriber(Protocol):
    """What writes down what a message says."""

    async def transcribe(self, message: Any, asker_id: int, language: str) -> None:
        """See :meth:`handlers.voice_notes.VoiceNotes.transcribe`."""


class TranscribeCommand:
    """A command of the family of hearing."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    def commands(self) -> Iterable[Command]:
        """Its declaration."""
        yield Command(
            name="transcribe",
            family="hearing",
            authority=Authority.MEMBER,
            usage="/transcribe",
            answer=self.transcribe,
            cost=COST,
            in_private=True,
        )

    async def transcribe(self, request: Request) -> str:
        """Write down what the message says to which the command is a reply; that comes by itself when it is ready."""
        replied = await request.message.get_reply_message() if request.reply_to_id else None
        if replied is None:
            raise ParleyError("Reply to a voice message with this command.", key="voice_message.reply_to_one")
        await self._transcriber.transcribe(replied, request.sender_id, request.language)
        return ""
