"""A voice service that is asked once more when it keeps silent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from audio.tts.engine import TextToSpeech, Voice
from engines import Part, Remedy, Trouble, hedged, tell_of_trouble


class HedgedTextToSpeech:
    """``engine``, asked a second time after ``after_s`` seconds without a sound; who sounds first speaks on."""

    def __init__(self, engine: TextToSpeech, after_s: float) -> None:
        self._engine = engine
        self._after_s = after_s

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    async def load(self) -> None:
        """Load the engine."""
        await self._engine.load()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`."""
        async with aclosing(hedged(lambda: self._engine.synthesize(text, voice), self._after_s, self._tell)) as sound:
            async for pcm in sound:
                yield pcm

    def _tell(self, why: str) -> None:
        tell_of_trouble(Trouble(Part.SPEAKING, self.name, why, Remedy.RETRIED))

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()
