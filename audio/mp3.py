"""MP3 that arrives in pieces, as sound."""

from __future__ import annotations

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet


class Mp3Stream:
    """Decodes an MP3 stream piece by piece to 16-bit mono PCM at ``rate_hz``."""

    def __init__(self, rate_hz: int) -> None:
        codec = av.CodecContext.create("mp3", "r")
        assert isinstance(codec, AudioCodecContext)
        self._codec = codec
        self._resampler = AudioResampler(format="s16", layout="mono", rate=rate_hz)

    def feed(self, data: bytes) -> bytes:
        """The sound of all frames that are complete by now; what is no MP3 gives none."""
        return b"".join(self._decoded(packet) for packet in self._codec.parse(data))

    def flush(self) -> bytes:
        """The end of the stream: the sound that is still inside."""
        last = [self._decoded(packet) for packet in self._codec.parse(b"")]
        tail = b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in self._resampler.resample(None))
        return b"".join(last) + self._decoded(None) + tail

    def _decoded(self, packet: Packet[AudioStream] | None) -> bytes:
        """Damaged frames, and headers that hold no sound, are passed over, as players do."""
        try:
            frames = self._codec.decode(packet)
        except av.error.InvalidDataError:
            return b""
        return b"".join(bytes(out.planes[0])[: out.samples * 2] for frame in frames for out in self._resampler.resample(frame))
