"""Engines with fixed delays and no models: what is left of a conversation's time is the conversation's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, PLAYOUT_RATE_HZ, loudness
from audio.stt import Transcript
from audio.tts import Voice
from audio.vad import ENERGY_FLOOR
from benchmarks.harness.script import Delays, Prompter, tokens
from benchmarks.harness.sounds import spoken
from brain import Message
from brain.tools import Tool

PIECE_BYTES: Final = PLAYOUT_RATE_HZ // 10 * BYTES_PER_SAMPLE


class StubEar:
    """Hears what the script says it does."""

    name = "stub ear"

    def __init__(self, delays: Delays, prompter: Prompter) -> None:
        self._delays = delays
        self._prompter = prompter

    async def load(self) -> None:
        """Nothing to load."""

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """After a fixed time."""
        hears = self._prompter.hears
        await asyncio.sleep(self._delays.stt_s)
        return Transcript(hears)

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript:
        """Takes as long as any transcription."""
        return await self.transcribe(pcm, language)

    async def close(self) -> None:
        """Nothing to close."""


class StubBrain:
    """Answers what the script says, token by token."""

    name = "stub brain"

    def __init__(self, delays: Delays, prompter: Prompter) -> None:
        self._delays = delays
        self._prompter = prompter

    async def load(self) -> None:
        """Nothing to load."""

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Nothing to read."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[str, None]:
        """On a fixed clock."""
        words = tokens(self._prompter.answers)
        await asyncio.sleep(self._delays.first_token_s)
        yield words[0]
        for word in words[1:]:
            await asyncio.sleep(self._delays.token_s)
            yield word

    async def close(self) -> None:
        """Nothing to close."""


class StubVoice:
    """Speaks in tones."""

    name = "stub voice"

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    async def load(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """After a fixed time, all of it in pieces of 100 ms."""
        pcm = spoken(text)
        await asyncio.sleep(self._delays.first_audio_s)
        for start in range(0, len(pcm), PIECE_BYTES):
            yield pcm[start : start + PIECE_BYTES]

    async def close(self) -> None:
        """Nothing to close."""


class WindowedLoudness:
    """Loudness in windows as long as a model's: 1.0 for a loud one, else 0.0."""

    def __init__(self, window_s: float) -> None:
        self.hop_s = window_s
        self._bytes = round(window_s * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
        self._pending = b""

    def feed(self, frame: bytes) -> float | None:
        """See :meth:`audio.vad.VoiceActivity.feed`."""
        self._pending += frame
        if len(self._pending) < self._bytes:
            return None
        window, self._pending = self._pending[: self._bytes], self._pending[self._bytes :]
        return float(loudness(window) / 32768 >= ENERGY_FLOOR)
