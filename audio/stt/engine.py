"""What every speech-to-text engine is to the rest of the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Word:
    """One word and where it stands in the utterance, in seconds from its first sample."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one stretch of speech. ``confidence`` is 0 to 1; an empty ``text`` means nothing was said."""

    text: str
    language: str = "en"
    confidence: float = 1.0
    words: tuple[Word, ...] = ()


class SpeechToText(Protocol):
    """An engine shared by all calls; it runs its model off the event loop and keeps its own bounded, fair queue."""

    @property
    def name(self) -> str:
        """What logs and ``/callinfo`` call it, such as ``whisper base``."""

    async def load(self) -> None:
        """Make ready, so that the first utterance is as quick as the tenth.

        :raises errors.ModelMissing: no model on disk.
        :raises errors.EngineError: it cannot work here.
        """

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """The words in ``pcm`` (16 kHz mono 16-bit, up to 30 s); ``language`` ``None`` detects it.

        Cancelling the awaiting task drops the result; work that has not begun yet is not begun.

        :raises errors.EngineError: no answer in time, or the engine failed.
        """

    async def close(self) -> None:
        """Free everything: threads, processes, memory."""


@runtime_checkable
class GlimpsingSpeechToText(Protocol):
    """An engine that can also be asked for the words of speech that goes on: quick, rough, and at no cost to anybody but the processor."""

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript | None:
        """What was said so far, as far as it is plain; ``None`` when it is not, or the engine has other work to do. Never asks twice.

        :raises errors.EngineError: the engine failed.
        """
