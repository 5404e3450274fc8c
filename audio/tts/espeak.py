"""The voice of last resort: espeak-ng (or espeak), a program of its own, where it is installed. One run per clause, some 15 ms."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from audio.pcm import PLAYOUT_RATE_HZ
from audio.resample import resample
from audio.trim import SilenceTrimmer
from audio.tts.engine import Voice
from audio.wav import mono, read_wav
from errors import EngineError, ParleyError

WORDS_PER_MINUTE: Final = 165
RUN_TIMEOUT_S: Final = 10.0
PIECE_BYTES: Final = PLAYOUT_RATE_HZ // 5 * 2


def installed_espeak() -> Path | None:
    """Where espeak-ng or espeak is on PATH, if it is."""
    found = shutil.which("espeak-ng") or shutil.which("espeak")
    return Path(found) if found else None


class EspeakEngine:
    """``program`` is asked to write a WAV to its standard output; ``None`` looks for it on PATH."""

    name: Final = "espeak-ng"

    def __init__(self, program: Path | None = None) -> None:
        self._program = program

    async def load(self) -> None:
        """Look for the program.

        :raises errors.EngineError: it is not installed.
        """
        self._program = self._program or installed_espeak()
        if self._program is None:
            raise EngineError("espeak-ng is not installed.", "Install it (apt install espeak-ng), or choose another TTS_ENGINE.")

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`.

        :raises errors.EngineError: not loaded, or the program failed.
        """
        if not any(character.isalnum() for character in text):
            return
        wav = await self._run(text, voice)
        pcm = await asyncio.to_thread(_playable, wav)
        for start in range(0, len(pcm), PIECE_BYTES):
            yield pcm[start : start + PIECE_BYTES]

    async def _run(self, text: str, voice: Voice) -> bytes:
        if self._program is None:
            raise EngineError(f"{self.name} is not loaded.")
        speed = str(round(WORDS_PER_MINUTE * (1 + voice.rate_percent / 100)))
        arguments = ("--stdin", "--stdout", "-b", "1", "-s", speed, "-v", voice.name or voice.language)
        try:
            process = await asyncio.create_subprocess_exec(str(self._program), *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        except OSError as failed:
            raise EngineError(f"{self._program} can't be run: {failed.strerror}.") from None
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                wav, _ = await process.communicate(text.encode())
        except TimeoutError:
            raise EngineError(f"{self.name} gave no sound within {RUN_TIMEOUT_S:g} s.") from None
        finally:
            await _ended(process)
        if process.returncode or not wav:
            raise EngineError(
                f"{self.name} failed (exit code {process.returncode}); does it know the voice {voice.name or voice.language!r}?"
            )
        return wav

    async def close(self) -> None:
        """Nothing stays between clauses."""


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _playable(wav: bytes) -> bytes:
    try:
        sound = read_wav(wav)
    except ParleyError as broken:
        raise EngineError(f"espeak-ng gave no sound: {broken}") from None
    trimmer = SilenceTrimmer(PLAYOUT_RATE_HZ)
    return trimmer.feed(resample(mono(sound), sound.rate_hz, PLAYOUT_RATE_HZ)) + trimmer.flush()
