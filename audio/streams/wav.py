"""16-bit PCM WAV that comes in pieces: one that never ends, or one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audio.pcm import BYTES_PER_SAMPLE
from audio.streams.errors import StreamError

MAGIC: Final = b"RIFF"
PLAIN_PCM: Final = 1
EXTENSIBLE: Final = 0xFFFE
LARGEST_HEAD_BYTES: Final = 64 << 10
MOST_CHUNKS: Final = 64
"""Before the sound."""
LOWEST_HZ: Final = 8_000
HIGHEST_HZ: Final = 96_000
ENDLESS: Final = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF})
"""What recorders write as the size of sound when they do not know it yet."""


@dataclass(frozen=True, slots=True)
class WavHead:
    """How the sound that follows is to be read."""

    rate_hz: int
    channels: int


class WavSound:
    """Fed with what comes; gives the head of each file, and then its sound, in whole samples of all channels."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._head: WavHead | None = None
        self._left: int | None = 0

    def feed(self, data: bytes) -> Iterator[WavHead | bytes]:
        """What is whole by now.

        :raises audio.streams.errors.StreamError: it is no WAV file of 16-bit PCM.
        """
        self._waiting += data
        while self._waiting:
            if self._head is None:
                if (head := self._read_head()) is None:
                    return
                yield head
            if sound := self._sound():
                yield sound
            elif self._head is not None:
                return

    def _sound(self) -> bytes:
        assert self._head is not None
        step = self._head.channels * BYTES_PER_SAMPLE
        size = len(self._waiting) if self._left is None else min(self._left, len(self._waiting))
        if self._left is None or size < self._left:
            size -= size % step
        sound = bytes(self._waiting[:size])
        del self._waiting[:size]
        if self._left is not None:
            self._left -= size
            if not self._left:
                self._head = None
        return sound[: len(sound) - len(sound) % step]

    def _read_head(self) -> WavHead | None:
        """Up to where the sound begins, if that has come."""
        waiting = self._waiting
        if waiting[:4] != MAGIC[: len(waiting[:4])] or waiting[8:12] != b"WAVE"[: len(waiting[8:12])]:
            raise StreamError("The WAV stream is broken.", "Begin a new one.")
        place, head, chunks = 12, None, 0
        while len(waiting) >= place + 8:
            chunks += 1
            name, size = bytes(waiting[place : place + 4]), int.from_bytes(waiting[place + 4 : place + 8], "little")
            if name == b"data":
                return self._begin(head, place + 8, size)
            if size > LARGEST_HEAD_BYTES or place > LARGEST_HEAD_BYTES or chunks > MOST_CHUNKS:
                raise StreamError("The WAV stream is broken: no sound follows its head.", "Begin a new one.")
            if name == b"fmt " and len(waiting) >= place + 8 + size:
                head = _format(bytes(waiting[place + 8 : place + 8 + size]))
            place += 8 + size + size % 2
        return None

    def _begin(self, head: WavHead | None, place: int, size: int) -> WavHead:
        if head is None:
            raise StreamError("The WAV stream does not say what it holds.", "Send 16-bit PCM.")
        del self._waiting[:place]
        self._head, self._left = head, None if size in ENDLESS else size
        return head


def _format(chunk: bytes) -> WavHead:
    if len(chunk) < 16:
        raise StreamError("The WAV stream is broken.", "Begin a new one.")
    kind, channels = int.from_bytes(chunk[:2], "little"), int.from_bytes(chunk[2:4], "little")
    rate_hz, bits = int.from_bytes(chunk[4:8], "little"), int.from_bytes(chunk[14:16], "little")
    if kind not in (PLAIN_PCM, EXTENSIBLE) or bits != BYTES_PER_SAMPLE * 8:
        raise StreamError(f"The WAV stream has samples of {bits} bits.", "Send 16-bit PCM.")
    if channels not in (1, 2) or not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise StreamError(f"The WAV stream has {channels} channels at {rate_hz} Hz.", "Send one or two channels at 8000 to 96000 Hz.")
    return WavHead(rate_hz, channels)
