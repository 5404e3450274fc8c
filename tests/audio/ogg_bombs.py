"""Small OGG files that hold hours of silence, made by hand."""

from __future__ import annotations

import struct

PACKETS_PER_PAGE = 255
SAMPLES_PER_PACKET = 5760
"""120 ms at 48 kHz, the most that one Opus packet can hold."""
SILENT_PACKET = bytes([(3 << 3) | 1])
"""Two frames of 60 ms, each of no bytes at all: one byte for 120 ms."""


def ogg_of_silence(hours: float, *, honest: bool = True) -> bytes:
    """A valid OGG/Opus file; one that is not ``honest`` says on each page that it has only just begun."""
    pages = round(hours * 3600 * 48_000 / (PACKETS_PER_PAGE * SAMPLES_PER_PACKET))
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<II", 0, 0)
    file = _page(0, 0, [head], first=True) + _page(1, 0, [tags])
    for number in range(pages):
        granule = (number + 1) * PACKETS_PER_PAGE * SAMPLES_PER_PACKET if honest else 48_000
        file += _page(number + 2, granule, [SILENT_PACKET] * PACKETS_PER_PAGE)
    return file


def _page(number: int, granule: int, packets: list[bytes], *, first: bool = False) -> bytes:
    lengths = bytes(len(packet) for packet in packets)
    start = b"OggS" + struct.pack("<BBqII", 0, 2 if first else 0, granule, 1, number)
    rest = struct.pack("<B", len(packets)) + lengths + b"".join(packets)
    return start + struct.pack("<I", _checksum(start + bytes(4) + rest)) + rest


def _checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def _entry(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ 0x04C11DB7 if value >> 31 else value << 1) & 0xFFFFFFFF
    return value


_TABLE = [_entry(byte) for byte in range(256)]
