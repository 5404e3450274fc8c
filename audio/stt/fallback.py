"""Speech to text that goes on when an engine does not: each has a deadline, then the next one is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from audio.stt.engine import GlimpsingSpeechToText, SpeechToText, Transcript
from engines import EngineOrder, Part
from errors import EngineError


class FallbackSpeechToText:
    """Engines in order of preference; ``deadline_s`` holds for each of them."""

    def __init__(self, engines: Sequence[SpeechToText], deadline_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._order = EngineOrder(Part.HEARING, engines, clock)
        self._deadline_s = deadline_s

    @property
    def name(self) -> str:
        """The name of the preferred engine."""
        return self._order.name

    async def load(self) -> None:
        """Load all engines; one that can't be loaded is left out.

        :raises errors.ParleyError: none can be loaded.
        """
        await self._order.load()

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """See :meth:`audio.stt.engine.SpeechToText.transcribe`.

        :raises errors.EngineError: every engine failed; says how each did.
        """
        attempts = self._order.attempts()
        for engine in attempts:
            try:
                async with asyncio.timeout(self._deadline_s):
                    transcript = await engine.transcribe(pcm, language)
            except TimeoutError:
                attempts.failed(engine, EngineError(f"{engine.name} gave no words within {self._deadline_s:g} s."))
            except EngineError as failed:
                attempts.failed(engine, failed)
            else:
                self._order.worked(engine)
                return transcript
        raise EngineError("Nothing could turn the speech into text: " + " ".join(attempts.failures))

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript | None:
        """See :meth:`audio.stt.engine.GlimpsingSpeechToText.glimpse`: of the engine that would be asked first, if it can do that."""
        first = self._order.in_order()[0]
        return await first.glimpse(pcm, language) if isinstance(first, GlimpsingSpeechToText) else None

    async def close(self) -> None:
        """Close all engines."""
        await self._order.close()
