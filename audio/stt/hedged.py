"""Speech to text by a service that is asked once more when it keeps silent."""

from __future__ import annotations

from audio.stt.engine import SpeechToText, Transcript
from engines import Part, Remedy, Trouble, first_of_two, tell_of_trouble


class HedgedSpeechToText:
    """``engine``, asked a second time after ``after_s`` seconds without an answer; the answer that comes first counts."""

    def __init__(self, engine: SpeechToText, after_s: float) -> None:
        self._engine = engine
        self._after_s = after_s

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    async def load(self) -> None:
        """Load the engine."""
        await self._engine.load()

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """See :meth:`audio.stt.engine.SpeechToText.transcribe`."""
        return await first_of_two(lambda: self._engine.transcribe(pcm, language), self._after_s, self._tell)

    def _tell(self, why: str) -> None:
        tell_of_trouble(Trouble(Part.HEARING, self.name, why, Remedy.RETRIED))

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()
