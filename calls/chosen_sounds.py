"""The voice engine of one call, for which the voice or the whole sound of what is announced can be chosen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import aclosing, contextmanager

from audio.tts import TextToSpeech, Voice


class ChosenSounds:
    """``tts``, but for the clauses for which something was chosen."""

    def __init__(self, tts: TextToSpeech) -> None:
        self._tts = tts
        self._voices: dict[str, Voice] = {}
        self._sounds: dict[str, bytes] = {}

    @contextmanager
    def chosen(self, clauses: Collection[str], voice: Voice | None, sound: bytes | None) -> Iterator[None]:
        """Inside, ``clauses`` are spoken with ``voice``; with a ``sound`` (24 kHz mono) they stand for it and are not spoken at all."""
        if voice is not None:
            self._voices.update(dict.fromkeys(clauses, voice))
        if sound is not None:
            self._sounds.update(dict.fromkeys(clauses, b"") | {next(iter(clauses)): sound})
        try:
            yield
        finally:
            for clause in clauses:
                self._voices.pop(clause, None)
                self._sounds.pop(clause, None)

    @property
    def name(self) -> str:
        """That of the engine."""
        return self._tts.name

    async def load(self) -> None:
        """See the engine's own."""
        await self._tts.load()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See the engine's own."""
        if text in self._sounds:
            if self._sounds[text]:
                yield self._sounds[text]
            return
        async with aclosing(self._tts.synthesize(text, self._voices.get(text, voice))) as pieces:
            async for pcm in pieces:
                yield pcm

    async def close(self) -> None:
        """See the engine's own."""
        await self._tts.close()
