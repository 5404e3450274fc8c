"""Where one message ends and the next begins: JSON texts one after the other, or each behind its length.

Which of the two a sender uses shows in its first byte: a length (four bytes, big-endian) of at most 1 MiB begins with a zero byte, and
no JSON text does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from control.json_text import JsonText, MalformedText

LONGEST: Final = 1 << 20
"""Of one message, in bytes."""
LENGTH_BYTES: Final = 4
_BLANK: Final = b" \t\r\n"


class Framing(Enum):
    """How messages are told apart."""

    LINES = auto()
    """A message is a JSON text; what is sent has a line of its own."""
    LENGTHS = auto()


@dataclass(frozen=True, slots=True)
class BadFrame:
    """What came where a message should be. ``too_long``: it may have been a message, but a bigger one than any may be."""

    what: str
    too_long: bool = False


Frame = bytes | BadFrame


class _Frames(Protocol):
    def feed(self, data: bytes) -> Iterator[Frame]: ...

    def end(self) -> Iterator[Frame]: ...


def framed(message: bytes, framing: Framing) -> bytes:
    """A message (without line breaks) as it is sent."""
    return message + b"\n" if framing is Framing.LINES else len(message).to_bytes(LENGTH_BYTES, "big") + message


class Framer:
    """Takes the bytes of one sender as they come; ``framing`` is known from the first on."""

    def __init__(self, longest: int = LONGEST) -> None:
        self.framing: Framing | None = None
        self._longest = longest
        self._frames: _Frames | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that are complete now."""
        if not data:
            return iter(())
        if self._frames is None:
            self.framing = Framing.LINES if data[0] else Framing.LENGTHS
            self._frames = TextFrames(self._longest) if data[0] else LengthFrames(self._longest)
        return self._frames.feed(data)

    def end(self) -> Iterator[Frame]:
        """What the sender has left behind when it sends no more."""
        return self._frames.end() if self._frames else iter(())


class LengthFrames:
    """Messages behind their lengths. After a length that is too great nothing can be made of what follows: it is thrown away."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that are complete now."""
        if self._lost:
            return
        self._buffer += data
        while len(self._buffer) >= LENGTH_BYTES:
            length = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
            if length > self._longest:
                self._lost = True
                self._buffer.clear()
                yield BadFrame(f"a message of {length} bytes; at most {self._longest} are allowed", too_long=True)
                return
            if len(self._buffer) < LENGTH_BYTES + length:
                return
            yield bytes(self._buffer[LENGTH_BYTES : LENGTH_BYTES + length])
            del self._buffer[: LENGTH_BYTES + length]

    def end(self) -> Iterator[Frame]:
        """A message that was broken off."""
        if self._buffer:
            self._buffer.clear()
            yield BadFrame("a message that was broken off")


class _At(Enum):
    BETWEEN = auto()
    TEXT = auto()
    LINE = auto()
    """In a line that begins like no object or array."""
    REST = auto()
    """In the rest of a line that is thrown away."""
    RUBBLE = auto()
    """Behind that line: what begins like no message belongs to what is thrown away."""


class TextFrames:
    """JSON texts one after the other, over one line or several; after one that is malformed the next line is looked at afresh."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._at = _At.BETWEEN
        self._text = JsonText()
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that are complete now."""
        at = 0
        while at < len(data):
            match self._at:
                case _At.TEXT:
                    at, frame = self._in_text(data, at)
                    if frame is not None:
                        yield frame
                case _At.LINE:
                    at, frame = self._in_line(data, at)
                    if frame is not None:
                        yield frame
                case _At.REST:
                    at = self._in_rest(data, at)
                case _At.BETWEEN | _At.RUBBLE:
                    at = self._between(data, at)

    def end(self) -> Iterator[Frame]:
        """A message that was broken off, or a last line without its end."""
        if self._at is _At.TEXT:
            yield BadFrame("a message that was broken off")
        elif self._at is _At.LINE:
            yield bytes(self._buffer)
        self._begin(_At.BETWEEN)

    def _begin(self, where: _At) -> None:
        self._at = where
        self._buffer.clear()
        if where is _At.TEXT:
            self._text = JsonText()

    def _between(self, data: bytes, at: int) -> int:
        if data[at] in _BLANK:
            return at + 1
        if data[at] in b"{[":
            self._begin(_At.TEXT)
        else:
            self._begin(_At.LINE if self._at is _At.BETWEEN else _At.REST)
        return at

    def _in_text(self, data: bytes, at: int) -> tuple[int, Frame | None]:
        try:
            end = self._text.feed(data, at)
        except MalformedText as malformed:
            self._begin(_At.REST)
            return malformed.at, BadFrame(str(malformed))
        return end, self._grown(data[at:end], complete=self._text.complete)

    def _in_line(self, data: bytes, at: int) -> tuple[int, Frame | None]:
        end = data.find(b"\n", at)
        return (len(data), self._grown(data[at:])) if end < 0 else (end, self._grown(data[at:end], complete=True))

    def _grown(self, piece: bytes, *, complete: bool = False) -> Frame | None:
        self._buffer += piece
        if len(self._buffer) > self._longest:
            self._begin(_At.BETWEEN if complete else _At.REST)
            return BadFrame(f"a message of more than {self._longest} bytes", too_long=True)
        if not complete:
            return None
        frame = bytes(self._buffer)
        self._begin(_At.BETWEEN)
        return frame

    def _in_rest(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        if end < 0:
            return len(data)
        self._begin(_At.RUBBLE)
        return end + 1
