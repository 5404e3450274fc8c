"""A voice as Opus packets of 20 ms, both ways. A packet costs 30 µs to hear, 150 µs to make, and next to nothing when it is silent."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from audio.pcm import BYTES_PER_SAMPLE, HEARING_FRAME_BYTES, HEARING_RATE_HZ, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ
from audio.resample import Resampler

OPUS_RATE_HZ: Final = 48_000
"""The clock of Opus in RTP, whatever is encoded."""
PACKET_S: Final = 0.02
PACKET_TICKS: Final = int(PACKET_S * OPUS_RATE_HZ)
OPUS_CLOCK: Final = Fraction(1, OPUS_RATE_HZ)
BITS_PER_S: Final = 32_000
SETTLING_PACKETS: Final = 5
"""So many silent packets are encoded like any others, so that the codec has come to rest before one and the same packet stands for all."""
LONGEST_PACKET_S: Final = 0.12
PLAYOUT_PACKET_BYTES: Final = 2 * PLAYOUT_FRAME_BYTES
SILENCE: Final = bytes(PLAYOUT_PACKET_BYTES)


class OpusEncoder:
    """Makes packets of 20 ms of what is played (24 kHz mono)."""

    def __init__(self) -> None:
        self._codec = _encoder()
        self._samples = 0
        self._silent = 0
        self._silent_packet = b""

    def encode(self, pcm: bytes) -> bytes:
        """The packet of the next 20 ms (960 bytes)."""
        if pcm != SILENCE:
            self._silent = 0
        elif self._silent >= SETTLING_PACKETS:
            return self._silent_packet
        else:
            self._silent += 1
        packet = self._encode(pcm)
        if self._silent:
            self._silent_packet = packet
        return packet

    def _encode(self, pcm: bytes) -> bytes:
        frame = AudioFrame(format="s16", layout="mono", samples=len(pcm) // BYTES_PER_SAMPLE)
        frame.planes[0].update(pcm)
        frame.sample_rate = PLAYOUT_RATE_HZ
        frame.time_base = Fraction(1, PLAYOUT_RATE_HZ)
        frame.pts = self._samples
        self._samples += frame.samples
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def _encoder() -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate = PLAYOUT_RATE_HZ
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = BITS_PER_S
    codec.time_base = Fraction(1, PLAYOUT_RATE_HZ)
    codec.options = {"application": "voip", "compression_level": "5", "fec": "1", "packet_loss": "5"}
    return codec


class OpusDecoder:
    """Makes frames of 10 ms for the ear (16 kHz mono) of packets. What is lost or damaged is heard as silence of the same length."""

    def __init__(self) -> None:
        self.damaged = 0
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)
        codec.sample_rate = OPUS_RATE_HZ
        codec.layout = "mono"
        codec.format = "s16"
        self._codec = codec
        self._resampler = Resampler(OPUS_RATE_HZ, HEARING_RATE_HZ)
        self._pcm = bytearray()
        self._packet_bytes = int(PACKET_S * OPUS_RATE_HZ) * BYTES_PER_SAMPLE

    def decode(self, packet: bytes | None) -> list[bytes]:
        """The frames that the next packet completes; ``None``: it was lost."""
        self._pcm += self._resampler.feed(self._decoded(packet))
        frames = [
            bytes(self._pcm[at : at + HEARING_FRAME_BYTES])
            for at in range(0, len(self._pcm) - HEARING_FRAME_BYTES + 1, HEARING_FRAME_BYTES)
        ]
        del self._pcm[: len(frames) * HEARING_FRAME_BYTES]
        return frames

    def _decoded(self, packet: bytes | None) -> bytes:
        if not packet:
            return bytes(self._packet_bytes)
        try:
            pcm = b"".join(bytes(frame.planes[0])[: frame.samples * BYTES_PER_SAMPLE] for frame in self._codec.decode(av.Packet(packet)))
        except (av.FFmpegError, ValueError):
            self.damaged += 1
            return bytes(self._packet_bytes)
        self._packet_bytes = len(pcm) or self._packet_bytes
        return pcm
