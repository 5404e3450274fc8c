"""The sound of somebody who sends whatever they like: raw PCM, WAV, WebM with Opus or Ogg with Opus, told by the first bytes (K22)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, as_samples
from audio.resample import Resampler
from audio.streams import ogg, wav, webm
from audio.streams.errors import StreamError
from audio.streams.opus import OpusDecoder, OpusHead, packet_s

PIECE_S: Final = 0.12
"""No longer than this at once, so that whoever takes the pieces can do something else in between."""
NOT_TAKEN: Final = {b"ID3": "MP3", b"fLaC": "FLAC", b"#!AMR": "AMR", b"caff": "CAF", b"FORM": "AIFF"}
KNOWN: Final = "WebM or Ogg with Opus, 16-bit WAV, or raw 16-bit PCM"
SNIFFED_BYTES: Final = 12

Allow = Callable[[float], None]
"""Told of so many seconds of sound before they are decoded; raises when that is too much."""


def allow_all(_seconds: float) -> None:
    """However much it is."""


class SoundStream:
    """Fed with messages in order, each as it comes; gives 16 kHz mono PCM in pieces of at most 120 ms, some of them empty.

    A message that begins with the head of a container begins a new one, unless the stream is raw PCM, which goes on as such: at
    ``raw_rate_hz``, mono. ``allow`` is asked for each piece before it is decoded.
    """

    def __init__(self, raw_rate_hz: int = HEARING_RATE_HZ, allow: Allow = allow_all) -> None:
        self._raw_rate_hz = raw_rate_hz
        self._allow = allow
        self._first = b""
        self._decode: Callable[[bytes], Iterator[bytes]] | None = None
        self.kind = ""
        """``pcm``, ``wav``, ``webm`` or ``ogg``, once it is known."""

    def feed(self, message: bytes) -> Iterator[bytes]:
        """The sound of one message.

        :raises audio.streams.errors.StreamError: it is broken, or of another kind; so is whatever ``allow`` raises.
        """
        if self.kind != "pcm":
            message = self._first + message
            if self._decode is None and len(message) < SNIFFED_BYTES:
                self._first = message
                return
            self._first = b""
            self._sniff(message)
        assert self._decode is not None
        yield from self._decode(message)

    def _sniff(self, message: bytes) -> None:
        if message.startswith(webm.MAGIC):
            self.kind, self._decode = "webm", self._opus(webm.WebmOpus().feed)
        elif message.startswith(ogg.MAGIC) and self.kind != "ogg":
            self.kind, self._decode = "ogg", self._opus(ogg.OggOpus().feed)
        elif message.startswith(wav.MAGIC) and message[8:12] == b"WAVE":
            self.kind, self._decode = "wav", self._wav()
        elif self._decode is None:
            _refuse_others(message)
            self.kind, self._decode = "pcm", self._raw()

    def _opus(self, packets_of: Callable[[bytes], Iterator[OpusHead | bytes]]) -> Callable[[bytes], Iterator[bytes]]:
        decoder: OpusDecoder | None = None

        def decode(data: bytes) -> Iterator[bytes]:
            nonlocal decoder
            for part in packets_of(data):
                if isinstance(part, OpusHead):
                    decoder = OpusDecoder(part)
                elif decoder is not None:
                    self._allow(packet_s(part))
                    yield decoder.decode(part)

        return decode

    def _wav(self) -> Callable[[bytes], Iterator[bytes]]:
        sound = wav.WavSound()
        convert: Callable[[bytes], Iterator[bytes]] | None = None

        def decode(data: bytes) -> Iterator[bytes]:
            nonlocal convert
            for part in sound.feed(data):
                if isinstance(part, wav.WavHead):
                    convert = self._pcm(part.rate_hz, part.channels)
                    yield b""
                elif convert is not None:
                    yield from convert(part)

        return decode

    def _raw(self) -> Callable[[bytes], Iterator[bytes]]:
        convert = self._pcm(self._raw_rate_hz, 1)
        odd = b""

        def decode(data: bytes) -> Iterator[bytes]:
            nonlocal odd
            if odd or len(data) % BYTES_PER_SAMPLE:
                data = odd + data
                whole = len(data) - len(data) % BYTES_PER_SAMPLE
                data, odd = data[:whole], data[whole:]
            yield from convert(data)

        return decode

    def _pcm(self, rate_hz: int, channels: int) -> Callable[[bytes], Iterator[bytes]]:
        resampler = Resampler(rate_hz, HEARING_RATE_HZ) if rate_hz != HEARING_RATE_HZ else None
        second_bytes = rate_hz * channels * BYTES_PER_SAMPLE
        piece_bytes = int(rate_hz * PIECE_S) * channels * BYTES_PER_SAMPLE

        def convert(pcm: bytes) -> Iterator[bytes]:
            self._allow(len(pcm) / second_bytes)
            for start in range(0, len(pcm), piece_bytes):
                piece = pcm[start : start + piece_bytes]
                mono = piece if channels == 1 else _mixed(piece, channels)
                yield mono if resampler is None else resampler.feed(mono)

        return convert


def _mixed(pcm: bytes, channels: int) -> bytes:
    return bytes(as_samples(pcm).reshape(-1, channels).mean(axis=1).astype("<i2").tobytes())


def _refuse_others(head: bytes) -> None:
    for magic, name in NOT_TAKEN.items():
        if head.startswith(magic):
            raise StreamError(f"This is {name}, which is not taken.", f"Send {KNOWN}.")
    if head[4:8] == b"ftyp":
        raise StreamError("This is MP4, which is not taken.", f"Send {KNOWN}.")
