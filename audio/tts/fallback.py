"""A voice that goes on when an engine does not: whoever gives no sound in time is left, and the next one is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from audio.tts.engine import TextToSpeech, Voice
from engines import EngineOrder, Part
from errors import EngineError


class FallbackTextToSpeech:
    """Engines in order of preference; ``first_audio_s`` is how long each may take to its first sound."""

    def __init__(self, engines: Sequence[TextToSpeech], first_audio_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._order = EngineOrder(Part.SPEAKING, engines, clock)
        self._first_audio_s = first_audio_s

    @property
    def name(self) -> str:
        """The name of the preferred engine."""
        return self._order.name

    async def load(self) -> None:
        """Load all engines; one that can't be loaded is left out.

        :raises errors.ParleyError: none can be loaded.
        """
        await self._order.load()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`.

        An engine that fails after its first sound ends the clause with its error: the next engine would say the beginning twice.

        :raises errors.EngineError: every engine failed before its first sound, or one failed after it.
        """
        attempts = self._order.attempts()
        for engine in attempts:
            async with aclosing(engine.synthesize(text, voice)) as sound:
                try:
                    pcm = await self._first(engine, sound)
                except EngineError as failed:
                    attempts.failed(engine, failed)
                    continue
                try:
                    while pcm:
                        yield pcm
                        pcm = await anext(sound, b"")
                except EngineError as failed:
                    self._order.failed(engine, failed)
                    raise
                self._order.worked(engine)
                return
        raise EngineError("No voice could say it: " + " ".join(attempts.failures))

    async def _first(self, engine: TextToSpeech, sound: AsyncGenerator[bytes, None]) -> bytes:
        """The first sound; empty if there is nothing to be heard in the text."""
        try:
            async with asyncio.timeout(self._first_audio_s):
                return await anext(sound, b"")
        except TimeoutError:
            raise EngineError(f"{engine.name} gave no sound within {self._first_audio_s:g} s.") from None

    async def close(self) -> None:
        """Close all engines."""
        await self._order.close()
