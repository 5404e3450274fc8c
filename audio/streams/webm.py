"""Opus packets out of a WebM stream that comes in pieces, as a browser's MediaRecorder sends it (RFC 9559, RFC 8794).

Sizes that are not known yet, as in a live recording, are allowed where sections hold sections. Nothing is kept but the element that has
not come whole; what is of no interest is passed over as it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audio.streams.errors import StreamError
from audio.streams.opus import LARGEST_PACKET_BYTES, OpusHead

MAGIC: Final = b"\x1a\x45\xdf\xa3"
SEGMENT: Final = 0x18538067
CLUSTER: Final = 0x1F43B675
TRACKS: Final = 0x1654AE6B
TRACK_ENTRY: Final = 0xAE
TRACK_NUMBER: Final = 0xD7
CODEC_ID: Final = 0x86
CODEC_PRIVATE: Final = 0x63A2
BLOCK_GROUP: Final = 0xA0
BLOCK: Final = 0xA1
SIMPLE_BLOCK: Final = 0xA3
ENTERED: Final = frozenset({SEGMENT, CLUSTER, TRACKS, BLOCK_GROUP})
READ: Final = frozenset({TRACK_ENTRY, BLOCK, SIMPLE_BLOCK})
LARGEST_READ_BYTES: Final = 64 << 10
LARGEST_PASSED_OVER_BYTES: Final = 1 << 20
"""Nothing that comes in between is larger in a recording of sound."""
LACING: Final = 0x06
MOST_ELEMENTS_WITHOUT_SOUND: Final = 2_000
LONGEST_ID_BYTES: Final = 4
LONGEST_SIZE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Element:
    """The head of an element; ``size`` is ``None`` where it is not known yet."""

    id: int
    size: int | None
    head_bytes: int


class WebmOpus:
    """Fed with what comes; gives the head of the first Opus track once, and then its packets."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._passing_over = 0
        self._track: int | None = None
        self._idle_elements = 0

    def feed(self, data: bytes) -> Iterator[OpusHead | bytes]:
        """What is whole by now.

        :raises audio.streams.errors.StreamError: it is no WebM, or holds no Opus.
        """
        self._waiting += data
        self._pass_over(0)
        while not self._passing_over and (element := _element_at(self._waiting, 0)) is not None:
            self._idle_elements += 1
            if self._idle_elements > MOST_ELEMENTS_WITHOUT_SOUND:
                raise StreamError("The WebM stream holds no sound.", "Send WebM with Opus.")
            if element.id in ENTERED:
                del self._waiting[: element.head_bytes]
            elif element.id in READ:
                if (content := self._content_of(element)) is None:
                    return
                yield from self._read(element.id, content)
            else:
                self._pass_over(element.head_bytes + _known_size(element, LARGEST_PASSED_OVER_BYTES))

    def _pass_over(self, size: int) -> None:
        self._passing_over += size
        gone = min(self._passing_over, len(self._waiting))
        del self._waiting[:gone]
        self._passing_over -= gone

    def _content_of(self, element: Element) -> bytes | None:
        end = element.head_bytes + _known_size(element)
        if len(self._waiting) < end:
            return None
        content = bytes(self._waiting[element.head_bytes : end])
        del self._waiting[:end]
        return content

    def _read(self, kind: int, content: bytes) -> Iterator[OpusHead | bytes]:
        if kind == TRACK_ENTRY:
            if self._track is None and (track := _opus_track(content)) is not None:
                self._track, head = track
                yield head
        elif (packet := self._packet_of(content)) is not None:
            self._idle_elements = 0
            yield packet

    def _packet_of(self, block: bytes) -> bytes | None:
        if self._track is None:
            raise StreamError("The WebM stream has no Opus track.", "Send WebM with Opus, Ogg with Opus, WAV or raw PCM.")
        track, length = _number_at(block, 0, LONGEST_SIZE_BYTES) or (None, 0)
        if track is None or len(block) < length + 3:
            raise StreamError("The WebM stream is broken: a block is too short.", "Begin a new one.")
        if track != self._track or len(block) == length + 3:
            return None
        if block[length + 2] & LACING:
            raise StreamError("The WebM stream has several packets in one block.", "Send one in each, as browsers do.")
        if len(block) - length - 3 > LARGEST_PACKET_BYTES:
            raise StreamError("The WebM stream is broken: a packet is too large.", "Begin a new one.")
        return block[length + 3 :]


def _known_size(element: Element, largest: int = LARGEST_READ_BYTES) -> int:
    if element.size is None:
        raise StreamError("The WebM stream is broken: an element has no size.", "Begin a new one.")
    if element.size > largest:
        raise StreamError("The WebM stream is broken: an element is too large.", "Begin a new one.")
    return element.size


def _element_at(data: bytes | bytearray, place: int) -> Element | None:
    """The head of the element there, if it is whole."""
    if place >= len(data):
        return None
    id_bytes = _length_of_number(data[place], LONGEST_ID_BYTES)
    size = _number_at(data, place + id_bytes, LONGEST_SIZE_BYTES)
    if size is None:
        return None
    value, size_bytes = size
    unknown = value == (1 << 7 * size_bytes) - 1
    return Element(int.from_bytes(data[place : place + id_bytes], "big"), None if unknown else value, id_bytes + size_bytes)


def _number_at(data: bytes | bytearray, place: int, longest: int) -> tuple[int, int] | None:
    """The number of variable length there, and its length; ``None``: it has not come whole."""
    if place >= len(data):
        return None
    length = _length_of_number(data[place], longest)
    if place + length > len(data):
        return None
    return int.from_bytes(data[place : place + length], "big") & (1 << 7 * length) - 1, length


def _length_of_number(first: int, longest: int) -> int:
    length = 9 - first.bit_length()
    if length > longest:
        raise StreamError("The WebM stream is broken.", "Begin a new one.")
    return length


def _opus_track(entry: bytes) -> tuple[int, OpusHead] | None:
    """The number and the head of a track, if it is one of Opus."""
    number, codec, private, place = 0, b"", b"", 0
    while (element := _element_at(entry, place)) is not None:
        content = entry[place + element.head_bytes : place + element.head_bytes + _known_size(element)]
        match element.id:
            case _ if element.id == TRACK_NUMBER:
                number = int.from_bytes(content[:8], "big")
            case _ if element.id == CODEC_ID:
                codec = content.rstrip(b"\0")
            case _ if element.id == CODEC_PRIVATE:
                private = content
        place += element.head_bytes + _known_size(element)
    return (number, OpusHead.read(private)) if codec == b"A_OPUS" else None
