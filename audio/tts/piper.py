"""The embedded voice: Piper in a program of its own (:mod:`audio.tts.piper_program` says why), shared by all calls in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from audio.pcm import PLAYOUT_RATE_HZ
from audio.resample import Resampler
from audio.trim import SilenceTrimmer
from audio.tts.engine import Voice
from audio.tts.piper_process import PiperPiece, PiperProcess
from errors import EngineError, ModelMissing

LONGEST_TEXT: Final = 2_000
MOST_WAITING: Final = 64
RESTARTS: Final = 1
"""A program that dies again before it has finished a single clause is not started once more."""


class PiperEngine:
    """A Piper voice (``.onnx`` with its ``.onnx.json`` beside it)."""

    def __init__(self, voice_path: Path, *, name: str = "piper joe-medium", threads: int = 2) -> None:
        self._voice_path = voice_path
        self._name = name
        self._threads = threads
        self._process: PiperProcess | None = None
        self._restarts_left = RESTARTS
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def name(self) -> str:
        """Such as ``piper joe-medium``."""
        return self._name

    async def load(self) -> None:
        """Start the program and wait for its voice."""
        for path in (self._voice_path, self._voice_path.with_name(self._voice_path.name + ".json")):
            if not path.is_file():
                raise ModelMissing(f"The Piper voice file {path} is missing.", "Fetch it: bot.py engines fetch.")
        async with self._turn:
            if self._process is None:
                self._process = await PiperProcess.start(self._voice_path, self._threads)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`; one piece of sound per sentence.

        :raises errors.EngineError: not loaded, too long a text, too many clauses waiting, or the program failed.
        """
        spoken = _speakable(text)
        if not spoken:
            return
        process, piece = await self._begin(spoken, length_scale(voice.rate_percent))
        resampler, trimmer = Resampler(process.rate_hz, PLAYOUT_RATE_HZ), SilenceTrimmer(PLAYOUT_RATE_HZ)
        try:
            while (pcm := await piece.next_pcm()) is not None:
                if heard := trimmer.feed(resampler.feed(pcm)):
                    yield heard
            if heard := trimmer.feed(resampler.flush()) + trimmer.flush():
                yield heard
        finally:
            process.cancel(piece)

    async def _begin(self, text: str, scale: float) -> tuple[PiperProcess, PiperPiece]:
        if self._waiting >= MOST_WAITING:
            raise EngineError(f"{self._name} is overloaded: {self._waiting} clauses are waiting.", "Try again in a few seconds.")
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            process = await self._running()
            piece = process.ask(text, scale)
        except BaseException:
            self._turn.release()
            raise
        piece.ended.add_done_callback(lambda _: self._ended(process))
        return process, piece

    def _ended(self, process: PiperProcess) -> None:
        self._turn.release()
        if process.alive:
            self._restarts_left = RESTARTS

    async def _running(self) -> PiperProcess:
        if self._process is None:
            raise EngineError(f"{self._name} is not loaded.")
        if not self._process.alive:
            await self._restart(self._process)
        return self._process

    async def _restart(self, dead: PiperProcess) -> None:
        if not self._restarts_left:
            raise EngineError(f"{self._name} keeps stopping.", "Try another voice: TTS_ENGINE=espeak or edge.")
        self._restarts_left -= 1
        await dead.close()
        self._process = await PiperProcess.start(self._voice_path, self._threads)

    async def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            await process.close()


def length_scale(rate_percent: int) -> float:
    """Piper's measure of slowness for a speaking rate of -50 to +100 %."""
    return 1.0 / (1.0 + max(-50, min(100, rate_percent)) / 100)


def _speakable(text: str) -> str:
    """Without what Piper would take for phonemes, and without what it can't say at all."""
    spoken = " ".join(text.replace("[[", " ").replace("]]", " ").replace("\0", " ").split())
    if len(spoken) > LONGEST_TEXT:
        raise EngineError(f"A clause of {len(spoken)} characters is too long to be spoken at once.", f"At most {LONGEST_TEXT} are.")
    return spoken if any(character.isalnum() for character in spoken) else ""
