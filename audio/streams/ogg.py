"""Opus packets out of an Ogg stream that comes in pieces (RFC 3533, RFC 7845).

Checksums are not verified: the pieces come over TCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audio.streams.errors import StreamError
from audio.streams.opus import LARGEST_PACKET_BYTES, OpusHead

MAGIC: Final = b"OggS"
HEADER_BYTES: Final = 27
CONTINUED: Final = 0x01
BEGINS: Final = 0x02
WHOLE_LACE: Final = 255
LARGEST_TAGS_BYTES: Final = 64 << 10
HEAD_MAGIC: Final = b"OpusHead"
TAGS_MAGIC: Final = b"OpusTags"
MOST_PAGES_WITHOUT_SOUND: Final = 500


class OggOpus:
    """Fed with what comes; gives the head of a stream once, and then its packets. Several streams may follow one another."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._packet = bytearray()
        self._serial: bytes | None = None
        self._idle_pages = 0

    def feed(self, data: bytes) -> Iterator[OpusHead | bytes]:
        """What is whole by now.

        :raises audio.streams.errors.StreamError: it is no Ogg, or holds no Opus.
        """
        self._waiting += data
        while (page := self._next_page()) is not None:
            self._idle_pages += 1
            if self._idle_pages > MOST_PAGES_WITHOUT_SOUND:
                raise StreamError("The Ogg stream holds no sound.", "Send Ogg with Opus.")
            for packet in self._packets(*page):
                if (sound := _understood(packet)) is not None:
                    self._idle_pages = 0
                    yield sound

    def _next_page(self) -> tuple[int, bytes, bytes, bytes] | None:
        """Flags, serial number, lacing and content of the next page, if it is whole."""
        waiting = self._waiting
        if len(waiting) < HEADER_BYTES:
            return None
        if waiting[:4] != MAGIC or waiting[4] != 0:
            raise StreamError("The Ogg stream is broken: a page does not begin where it should.", "Begin a new one.")
        body = HEADER_BYTES + waiting[26]
        if len(waiting) < body:
            return None
        lacing = bytes(waiting[HEADER_BYTES:body])
        end = body + sum(lacing)
        if len(waiting) < end:
            return None
        page = waiting[5], bytes(waiting[14:18]), lacing, bytes(waiting[body:end])
        del waiting[:end]
        return page

    def _packets(self, flags: int, serial: bytes, lacing: bytes, content: bytes) -> Iterator[bytes]:
        if flags & BEGINS and content.startswith(HEAD_MAGIC):
            self._serial = serial
        if self._serial is None:
            raise StreamError("The Ogg stream holds no Opus.", "Send Ogg with Opus, WebM with Opus, WAV or raw PCM.")
        if serial != self._serial:
            return
        if not flags & CONTINUED:
            self._packet.clear()
        place = 0
        for lace in lacing:
            self._packet += content[place : place + lace]
            place += lace
            if len(self._packet) > LARGEST_TAGS_BYTES:
                raise StreamError("The Ogg stream is broken: a packet is too large.", "Begin a new one.")
            if lace < WHOLE_LACE:
                packet = bytes(self._packet)
                self._packet.clear()
                yield packet


def _understood(packet: bytes) -> OpusHead | bytes | None:
    if packet.startswith(HEAD_MAGIC):
        return OpusHead.read(packet)
    if not packet or packet.startswith(TAGS_MAGIC):
        return None
    if len(packet) > LARGEST_PACKET_BYTES:
        raise StreamError("The Ogg stream is broken: a packet is too large.", "Begin a new one.")
    return packet
