"""Where people's speech comes from: text through any voice, or a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import av
import numpy as np

from audio.pcm import PLAYOUT_RATE_HZ
from audio.tts.engine import TextToSpeech, Voice
from errors import ParleyError

Render = Callable[[str], Awaitable[bytes]]
"""Turns text into 24 kHz mono PCM."""

KEPT_RENDERINGS: Final = 256


class RecordingError(ParleyError):
    """A recording cannot be read."""


class CachedRender:
    """A :data:`Render` that says each text once and remembers it (the newest 256 texts)."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._renderings: dict[str, asyncio.Task[bytes]] = {}

    async def __call__(self, text: str) -> bytes:
        """The sound of ``text``."""
        task = self._renderings.get(text)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._renderings[text] = asyncio.ensure_future(self._render(text))
            self._forget_oldest()
        return await asyncio.shield(task)

    def _forget_oldest(self) -> None:
        while len(self._renderings) > KEPT_RENDERINGS:
            del self._renderings[next(iter(self._renderings))]


def with_engine(engine: TextToSpeech, voice: Voice) -> Render:
    """A cached rendering through one of the project's voice engines."""

    async def render(text: str) -> bytes:
        return b"".join([piece async for piece in engine.synthesize(text, voice)])

    return CachedRender(render)


def read_recording(path: Path) -> bytes:
    """A sound file of any kind as 24 kHz mono PCM.

    :raises RecordingError: not there, or not sound.
    """
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=PLAYOUT_RATE_HZ)
            frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
            frames += resampler.resample(None)
    except (OSError, av.error.FFmpegError, IndexError) as error:
        raise RecordingError(f"The recording {path} cannot be read ({error}).", "Give a WAV, OGG, MP3 or FLAC file.") from error
    return b"".join(frame.to_ndarray().astype(np.int16).tobytes() for frame in frames)
