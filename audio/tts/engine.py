"""What every voice engine is to the rest of the house."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak one clause: a value passed with each clause, so that it may change in the middle of a call.

    ``name`` is engine-specific (``None``: the engine's own default), ``rate_percent`` is -50 to +100.
    """

    language: str = "en"
    name: str | None = None
    rate_percent: int = 0


class TextToSpeech(Protocol):
    """An engine shared by all calls; it never blocks the event loop."""

    @property
    def name(self) -> str:
        """What logs and ``/callinfo`` call it, such as ``piper joe-medium``."""

    async def load(self) -> None:
        """Make ready, so that the first clause is as quick as the tenth.

        :raises errors.ModelMissing: no voice on disk.
        :raises errors.EngineError: it cannot work here.
        """

    def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """The sound of ``text`` in pieces as they are made: 24 kHz mono 16-bit PCM (``audio.pcm.PLAYOUT_RATE_HZ``).

        Closing the generator early stops the work. Leading and trailing silence is trimmed to at most 60 ms.

        :raises errors.EngineError: no sound in time, or the engine failed.
        """

    async def close(self) -> None:
        """Free everything: threads, processes, memory, temporary files."""
