"""Microsoft Edge's voices (needs the internet): an MP3 stream, decoded while it arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

import aiohttp
import edge_tts
from edge_tts.exceptions import EdgeTTSException

from audio.mp3 import Mp3Stream
from audio.pcm import PLAYOUT_RATE_HZ
from audio.trim import SilenceTrimmer
from audio.tts.engine import Voice
from errors import EngineError

VOICES: Final = {
    "en": ("en-GB-RyanNeural", "en-GB-SoniaNeural", "en-US-AriaNeural", "en-US-GuyNeural"),
    "ca": ("ca-ES-EnricNeural", "ca-ES-JoanaNeural"),
    "es": ("es-ES-AlvaroNeural", "es-ES-ElviraNeural", "es-MX-DaliaNeural"),
    "ru": ("ru-RU-DmitryNeural", "ru-RU-SvetlanaNeural"),
}
"""Some of them by language, the usual one first."""

Stream = Callable[[str, str, str], AsyncGenerator[Any, None]]
"""(text, voice, rate such as ``+10%``) to edge-tts's messages, dictionaries with a ``type``."""


def _edge_stream(text: str, voice: str, rate: str) -> AsyncGenerator[Any, None]:
    stream: AsyncGenerator[Any, None] = edge_tts.Communicate(text, voice, rate=rate).stream()
    return stream


class EdgeEngine:
    """``default_voice`` speaks where the clause's :class:`~audio.tts.engine.Voice` names none, in languages that are its own or strange."""

    def __init__(self, default_voice: str, stream: Stream = _edge_stream) -> None:
        self._default_voice = default_voice
        self._stream = stream

    @property
    def name(self) -> str:
        """Such as ``edge en-GB-RyanNeural``."""
        return f"edge {self._default_voice}"

    async def load(self) -> None:
        """Nothing to load: each clause is a connection of its own."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`.

        :raises errors.EngineError: the service can't be reached, refuses the voice, or sends no sound.
        """
        if not any(character.isalnum() for character in text):
            return
        decoder, trimmer, silent = Mp3Stream(PLAYOUT_RATE_HZ), SilenceTrimmer(PLAYOUT_RATE_HZ), True
        async with aclosing(self._mp3(text, voice)) as stream:
            async for mp3 in stream:
                if heard := trimmer.feed(decoder.feed(mp3)):
                    silent = False
                    yield heard
        if heard := trimmer.feed(decoder.flush()) + trimmer.flush():
            yield heard
        elif silent:
            raise EngineError("The Edge voice service sent no sound.", "Try another EDGE_TTS_VOICE.")

    async def _mp3(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._stream(text, voice.name or self._voice_for(voice.language), f"{voice.rate_percent:+d}%")) as messages:
                async for message in messages:
                    if message["type"] == "audio":
                        yield message["data"]
        except (aiohttp.ClientError, OSError) as unreachable:
            raise EngineError(
                f"The Edge voice service can't be reached: {unreachable}.", "It needs the internet; TTS_ENGINE=piper does not."
            ) from None
        except (EdgeTTSException, ValueError) as refused:
            raise EngineError(f"The Edge voice service failed: {refused}", "Is EDGE_TTS_VOICE the name of one of its voices?") from None

    def _voice_for(self, language: str) -> str:
        speaks_it = self._default_voice.startswith(f"{language}-") or "Multilingual" in self._default_voice
        return self._default_voice if speaks_it or language not in VOICES else VOICES[language][0]

    async def close(self) -> None:
        """Nothing stays between clauses."""
