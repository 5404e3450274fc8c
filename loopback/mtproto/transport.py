"""The four transports of MTProto over TCP, recognised by their first bytes.

https://core.telegram.org/mtproto/mtproto-transports
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final, Protocol
from zlib import crc32

from telethon.crypto import AESModeCTR

from loopback.mtproto.wire import ProtocolViolation

MAX_FRAME_BYTES: Final = 1 << 24
ABRIDGED_TAG: Final = b"\xef"
INTERMEDIATE_TAG: Final = b"\xee"
PADDED_TAG: Final = b"\xdd"

Cipher = Callable[[bytes], bytes]


class ByteSource(Protocol):
    """Where frames are read from."""

    async def readexactly(self, n: int) -> bytes:
        """``n`` bytes, or ``asyncio.IncompleteReadError``."""


class FrameCodec(Protocol):
    """Cuts the stream into packets and back."""

    def encode(self, packet: bytes) -> bytes:
        """One frame."""

    async def read(self, source: ByteSource) -> bytes:
        """The next packet."""


def _checked(length: int) -> int:
    if not 0 <= length <= MAX_FRAME_BYTES:
        raise ProtocolViolation(f"a frame of {length} bytes")
    return length


class Full:
    """Length, sequence number, CRC."""

    def __init__(self) -> None:
        self._sent = 0

    def encode(self, packet: bytes) -> bytes:
        """One frame with the next sequence number."""
        frame = struct.pack("<ii", len(packet) + 12, self._sent) + packet
        self._sent += 1
        return frame + struct.pack("<I", crc32(frame))

    async def read(self, source: ByteSource) -> bytes:
        """The next packet, its CRC checked."""
        head = await source.readexactly(8)
        body = await source.readexactly(_checked(struct.unpack_from("<i", head)[0] - 8))
        if crc32(head + body[:-4]) != struct.unpack("<I", body[-4:])[0]:
            raise ProtocolViolation("a frame with a wrong CRC")
        return body[:-4]


class Abridged:
    """One byte of length in words; three more when that does not do."""

    def encode(self, packet: bytes) -> bytes:
        """One frame."""
        words = len(packet) >> 2
        return (bytes([words]) if words < 127 else b"\x7f" + words.to_bytes(3, "little")) + packet

    async def read(self, source: ByteSource) -> bytes:
        """The next packet."""
        words = (await source.readexactly(1))[0]
        if words >= 127:
            words = int.from_bytes(await source.readexactly(3), "little")
        return await source.readexactly(_checked(words << 2))


class Intermediate:
    """Four bytes of length; the padded form adds random bytes that are cut off again."""

    def __init__(self, padded: bool = False) -> None:
        self._padded = padded

    def encode(self, packet: bytes) -> bytes:
        """One frame (no padding is ever added)."""
        return struct.pack("<i", len(packet)) + packet

    async def read(self, source: ByteSource) -> bytes:
        """The next packet."""
        packet = await source.readexactly(_checked(struct.unpack("<i", await source.readexactly(4))[0]))
        return packet[: len(packet) - len(packet) % 4] if self._padded else packet


class _Replay:
    """Gives back the bytes that were read to recognise the transport, then the stream itself, deciphered."""

    def __init__(self, source: ByteSource, head: bytes = b"", decipher: Cipher | None = None) -> None:
        self._source = source
        self._head = head
        self._decipher = decipher

    async def readexactly(self, n: int) -> bytes:
        taken, self._head = self._head[:n], self._head[n:]
        if len(taken) == n:
            return taken
        fresh = await self._source.readexactly(n - len(taken))
        return taken + (self._decipher(fresh) if self._decipher else fresh)


class Channel:
    """A connection's stream of packets, whatever its transport."""

    def __init__(self, source: ByteSource, codec: FrameCodec, encipher: Cipher | None = None) -> None:
        self._source = source
        self._codec = codec
        self._encipher = encipher

    async def read(self) -> bytes:
        """The next packet."""
        return await self._codec.read(self._source)

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry ``packet``."""
        frame = self._codec.encode(packet)
        return self._encipher(frame) if self._encipher else frame


async def recognise(reader: asyncio.StreamReader) -> Channel:
    """Read the transport's tag and return its channel.

    :raises ProtocolViolation: an obfuscated stream with an unknown tag inside.
    """
    head = await reader.readexactly(1)
    if head == ABRIDGED_TAG:
        return Channel(reader, Abridged())
    head += await reader.readexactly(3)
    if head in (INTERMEDIATE_TAG * 4, PADDED_TAG * 4):
        return Channel(reader, Intermediate(padded=head[:1] == PADDED_TAG))
    head += await reader.readexactly(4)
    if head[4:] == bytes(4):
        return Channel(_Replay(reader, head), Full())
    return _obfuscated(reader, head + await reader.readexactly(56))


def _obfuscated(reader: asyncio.StreamReader, head: bytes) -> Channel:
    reverse = head[55:7:-1]
    inward, outward = AESModeCTR(head[8:40], head[40:56]), AESModeCTR(reverse[:32], reverse[32:48])
    tag = inward.encrypt(head)[56:57]
    source = _Replay(reader, decipher=inward.encrypt)
    if tag == ABRIDGED_TAG:
        return Channel(source, Abridged(), outward.encrypt)
    if tag in (INTERMEDIATE_TAG, PADDED_TAG):
        return Channel(source, Intermediate(padded=tag == PADDED_TAG), outward.encrypt)
    raise ProtocolViolation("an unknown transport")
