"""Engines that stay silent, in the place of those of a call that may not, or need not, be heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from audio.tts import TextToSpeech, Voice
from brain import Brain, Message
from brain.around import BrainAround
from brain.engine import Piece
from brain.tools import Tool
from calls.drafting import Engines


class WrittenAnswers:
    """A voice that makes no sound: what should have been said counts as not heard, and is written into the chat."""

    name = "written answers"

    async def load(self) -> None:
        """There is nothing to load."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """No sound at all."""
        if False:
            yield b""

    async def close(self) -> None:
        """There is nothing to free."""


class BrainWithRests(BrainAround):
    """``brain``, which is not asked while ``rests`` says so: nobody would hear the answer, so nothing is spent on it."""

    def __init__(self, brain: Brain, rests: Callable[[], bool]) -> None:
        super().__init__(brain)
        self._rests = rests

    async def prefill(self, messages: Sequence[Message]) -> None:
        """See the brain's own."""
        if not self._rests():
            await self._brain.prefill(messages)

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        """See the brain's own; without a word while it rests."""
        if self._rests():
            return
        async with aclosing(self._brain.reply(messages, tools)) as pieces:
            async for piece in pieces:
                yield piece


def engines_of_a_call(engines: Engines, *, speaks: bool, silenced: Callable[[], bool]) -> Engines:
    """``engines`` for one call: they write instead of speaking unless it ``speaks``, and rest while it is ``silenced``."""
    tts: TextToSpeech = engines.tts if speaks else WrittenAnswers()
    return replace(engines, brain=BrainWithRests(engines.brain, silenced), tts=tts)
