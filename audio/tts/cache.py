"""Clauses that come again are not made again: short ones are kept in memory, fixed phrases also on disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from pathlib import Path
from typing import Final

from audio.pcm import PLAYOUT_RATE_HZ
from audio.tts.engine import TextToSpeech, Voice

MEMORY_BYTES: Final = 8_000_000
"""Nearly three minutes of speech at 24 kHz."""
DISK_BYTES: Final = 32_000_000
LONGEST_KEPT_TEXT: Final = 60
"""Longer clauses hardly ever come twice."""
PIECE_BYTES: Final = PLAYOUT_RATE_HZ // 5 * 2


class CachedTextToSpeech:
    """``engine`` with a memory. What it says of ``fixed`` is also kept in ``folder`` (nothing else ever is: it may be private)."""

    def __init__(
        self,
        engine: TextToSpeech,
        folder: Path | None = None,
        fixed: Collection[str] = (),
        *,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._fixed = frozenset(fixed)
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    async def load(self) -> None:
        """Load the engine."""
        await self._engine.load()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        """See :meth:`audio.tts.engine.TextToSpeech.synthesize`; only a clause that was made to its end is kept."""
        key = self._key(text, voice)
        pcm = await self._remembered(key, text)
        if pcm is not None:
            for start in range(0, len(pcm), PIECE_BYTES):
                yield pcm[start : start + PIECE_BYTES]
            return
        pieces: list[bytes] = []
        async with aclosing(self._engine.synthesize(text, voice)) as sound:
            async for piece in sound:
                pieces.append(piece)
                yield piece
        await self._remember(key, text, b"".join(pieces))

    def _key(self, text: str, voice: Voice) -> str:
        parts = (self._engine.name, voice.language, voice.name or "", str(voice.rate_percent), text)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    async def _remembered(self, key: str, text: str) -> bytes | None:
        pcm = self._kept.get(key)
        if pcm is not None:
            self._kept.move_to_end(key)
        elif self._folder is not None and text in self._fixed:
            pcm = await asyncio.to_thread(_read, self._folder / f"{key}.pcm")
            if pcm is not None:
                self._keep(key, pcm)
        return pcm

    async def _remember(self, key: str, text: str, pcm: bytes) -> None:
        if not pcm or (len(text) > LONGEST_KEPT_TEXT and text not in self._fixed):
            return
        self._keep(key, pcm)
        if self._folder is not None and text in self._fixed:
            await asyncio.to_thread(_write, self._folder, key, pcm, self._disk_bytes)

    def _keep(self, key: str, pcm: bytes) -> None:
        self._kept[key] = pcm
        while self._kept and sum(map(len, self._kept.values())) > self._memory_bytes:
            self._kept.popitem(last=False)

    async def close(self) -> None:
        """Close the engine and forget what is in memory."""
        self._kept.clear()
        await self._engine.close()


def _read(path: Path) -> bytes | None:
    try:
        pcm = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return pcm


def _write(folder: Path, key: str, pcm: bytes, disk_bytes: int) -> None:
    """Whole or not at all; the files used longest ago make room. A disk that can't be written to only costs the memory."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{key}.{os.getpid()}.part"
        unfinished.write_bytes(pcm)
        unfinished.replace(folder / f"{key}.pcm")
        _make_room(folder, disk_bytes)
    except OSError:
        return


def _make_room(folder: Path, disk_bytes: int) -> None:
    files = sorted(folder.glob("*.pcm"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > disk_bytes:
            path.unlink()
