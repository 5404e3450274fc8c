"""Sound that is encoded while it is still being made, piece by piece, for listeners who want to begin at once. Blocking."""

from __future__ import annotations

import io
import struct
from enum import StrEnum
from typing import Final, Protocol

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from audio.pcm import BYTES_PER_SAMPLE, as_samples

BITS_PER_S: Final = 32_000
PAGE_US: Final = "100000"
"""An OGG page holds so many microseconds, so that players can begin soon."""
FRAME_SAMPLES: Final = 960
UNKNOWN_SIZE: Final = 0xFFFF_FFFF
"""What a WAV header says of a sound whose end is not known yet; players read on to the end of the stream."""


class Form(StrEnum):
    """How the sound is wanted; the values are those of OpenAI's ``response_format``."""

    PCM = "pcm"
    WAV = "wav"
    OPUS = "opus"
    MP3 = "mp3"

    @property
    def media_type(self) -> str:
        """Its Content-Type, as OpenAI gives it."""
        return {"pcm": "audio/pcm", "wav": "audio/wav", "opus": "audio/ogg", "mp3": "audio/mpeg"}[self.value]


class EncodedStream(Protocol):
    """Takes 16-bit mono PCM and gives bytes of a file, in order."""

    def feed(self, pcm: bytes) -> bytes:
        """What the file goes on with; may be empty until there is enough."""

    def finish(self) -> bytes:
        """The rest of the file."""


def encoded_stream(form: Form, rate_hz: int) -> EncodedStream:
    """An encoder for PCM of ``rate_hz`` (8, 12, 16, 24 or 48 kHz)."""
    match form:
        case Form.PCM:
            return _Plain(b"")
        case Form.WAV:
            return _Plain(_wav_header(rate_hz))
        case Form.OPUS:
            return _Compressed("ogg", "libopus", rate_hz, {"page_duration": PAGE_US})
        case Form.MP3:
            return _Compressed("mp3", "libmp3lame", rate_hz, {"write_xing": "0", "id3v2_version": "0"})


class _Plain:
    def __init__(self, header: bytes) -> None:
        self._header = header

    def feed(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + pcm

    def finish(self) -> bytes:
        return self.feed(b"")


class _Compressed:
    def __init__(self, container: str, codec: str, rate_hz: int, options: dict[str, str]) -> None:
        self._file = io.BytesIO()
        self._rate_hz = rate_hz
        self._container = av.open(_Forward(self._file), mode="w", format=container, options=options)
        stream = self._container.add_stream(codec, rate=rate_hz, layout="mono")
        assert isinstance(stream, AudioStream)
        self._stream = stream
        self._stream.bit_rate = BITS_PER_S
        self._format = "s16" if codec == "libopus" else "s16p"
        self._left = b""
        self._at = 0

    def feed(self, pcm: bytes) -> bytes:
        self._left += pcm
        whole = len(self._left) // (FRAME_SAMPLES * BYTES_PER_SAMPLE) * FRAME_SAMPLES * BYTES_PER_SAMPLE
        ready, self._left = self._left[:whole], self._left[whole:]
        for start in range(0, whole, FRAME_SAMPLES * BYTES_PER_SAMPLE):
            self._encode(ready[start : start + FRAME_SAMPLES * BYTES_PER_SAMPLE])
        return self._taken()

    def finish(self) -> bytes:
        if self._left:
            self._encode(self._left)
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._taken()

    def _encode(self, pcm: bytes) -> None:
        samples = as_samples(pcm)
        frame = AudioFrame.from_ndarray(samples[None, :].copy(), format=self._format, layout="mono")
        frame.sample_rate, frame.pts = self._rate_hz, self._at
        self._at += len(samples)
        self._container.mux(self._stream.encode(frame))

    def _taken(self) -> bytes:
        data = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return data


class _Forward:
    """A file that can only be written on and on, like the connection it goes to."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data)


def _wav_header(rate_hz: int) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
    return struct.pack("<4sI4s", b"RIFF", UNKNOWN_SIZE, b"WAVE") + form + struct.pack("<4sI", b"data", UNKNOWN_SIZE)
