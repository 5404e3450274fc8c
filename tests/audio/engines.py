from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from audio.stt import Transcript
from audio.tts import Voice
from errors import EngineError, ParleyError


class ScriptedHearing:
    """Speech to text that hears what it is told: a text, an error to raise, or ``None`` for never answering."""

    def __init__(self, name: str, *answers: str | ParleyError | None, load_error: ParleyError | None = None) -> None:
        self.name = name
        self._answers = list(answers)
        self._load_error = load_error
        self.asked = 0
        self.closed = False

    async def load(self) -> None:
        if self._load_error:
            raise self._load_error

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        self.asked += 1
        answer = self._answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, ParleyError):
            raise answer
        return Transcript(str(answer))

    async def close(self) -> None:
        self.closed = True


class ScriptedVoice:
    """A voice that gives prepared pieces; an error among them is raised, ``None`` is never followed by anything."""

    def __init__(self, name: str, pieces: Sequence[bytes | EngineError | None], load_error: ParleyError | None = None) -> None:
        self.name = name
        self._pieces = pieces
        self._load_error = load_error
        self.asked: list[tuple[str, Voice]] = []
        self.ended = 0
        self.closed = False

    async def load(self) -> None:
        if self._load_error:
            raise self._load_error

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        self.asked.append((text, voice))
        try:
            for piece in self._pieces:
                if piece is None:
                    await asyncio.Event().wait()
                elif isinstance(piece, EngineError):
                    raise piece
                else:
                    yield piece
        finally:
            self.ended += 1

    async def close(self) -> None:
        self.closed = True
