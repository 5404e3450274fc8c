"""A program that decodes one sound file from strangers, with next to no rights. It is run by :mod:`audio.decode_process`.

    python -I decode_child.py RATE_HZ LONGEST_S < FILE > PCM

Standard input is the file itself (seekable), standard output gets 16-bit mono PCM, and the exit code tells how it went
(:class:`Outcome`). The kind of file is told by its first bytes, so no playlist and no other format is ever tried; once the decoder is
loaded, no further file, socket or process can be opened.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import resource
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, BinaryIO, Final

MOST_MEMORY_BYTES: Final = 512 << 20
MOST_CPU_S: Final = 30
NICENESS: Final = 5
BYTES_PER_SAMPLE: Final = 2
SNIFFED_BYTES: Final = 16
ALLOWANCE: Final = 1.2
"""A file may hold this many times the sound that it is said to hold, by its sender or by itself: what holds more was made to deceive."""
ROUNDING_S: Final = 1.0
"""Durations are declared in whole seconds."""
DURATION_IS_A_GUESS: Final = frozenset({"mp3", "aac", "amr"})
"""Formats without a duration of their own; what is made up for them from the bit rate can be far off."""


class Outcome(IntEnum):
    """The exit code. Any other, or a signal, means that the file broke the decoder."""

    DECODED = 0
    UNREADABLE = 3
    NO_SOUND = 4
    TOO_LONG = 5
    TOO_DEMANDING = 6
    MORE_THAN_SAID = 7


class Refused(Exception):
    """The file is not decoded, or not further."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


def kind_of(head: bytes) -> str | None:
    """The FFmpeg demuxer for a file that begins so; ``None`` for what is no sound file."""
    match head:
        case _ if head[4:8] == b"ftyp":
            return "mov"
        case _ if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return "wav"
        case _ if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
            return "aac"
        case _ if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
            return "mp3"
        case _:
            return {b"OggS": "ogg", b"fLaC": "flac", b"\x1a\x45\xdf\xa3": "matroska", b"#!AM": "amr"}.get(head[:4])


def limit_resources() -> None:
    """Memory, processor time, and no writing of files; heirs and core dumps neither."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


def open_nothing_more() -> None:
    """From now on only standard input, output and error can be used."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def loaded_decoder() -> Any:
    """PyAV with all its modules, some of which it would else only load when they are needed."""
    import av

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return av


def decode(source: BinaryIO, sink: BinaryIO, rate_hz: int, longest_s: float) -> None:
    """All the sound of ``source`` into ``sink``.

    :raises Refused: it is no sound file, holds no sound, or more than ``longest_s`` of it.
    """
    av = loaded_decoder()
    open_nothing_more()
    kind = kind_of(source.read(SNIFFED_BYTES))
    if kind is None:
        raise Refused(Outcome.UNREADABLE)
    source.seek(0)
    written = 0
    try:
        with av.open(source, mode="r", format=kind) as container:
            for pcm in _decoded(av, container, kind, rate_hz, longest_s):
                written += sink.write(pcm)
    except (av.FFmpegError, ValueError) as broken:
        raise Refused(Outcome.TOO_DEMANDING if isinstance(broken, MemoryError) else Outcome.UNREADABLE) from broken
    if not written:
        raise Refused(Outcome.NO_SOUND)


def _decoded(av: Any, container: Any, kind: str, rate_hz: int, longest_s: float) -> Iterator[bytes]:
    if not container.streams.audio:
        raise Refused(Outcome.NO_SOUND)
    said_s = None if kind in DURATION_IS_A_GUESS or not container.duration else container.duration / av.time_base
    if said_s is not None and said_s > longest_s:
        raise Refused(Outcome.TOO_LONG)
    most_s = longest_s if said_s is None else min(longest_s, ALLOWANCE * said_s + ROUNDING_S)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    for frame in _within(most_s, _frames(av, container), Outcome.TOO_LONG if most_s == longest_s else Outcome.MORE_THAN_SAID):
        yield from _pcm(resampler, frame)
    yield from _pcm(resampler, None)


def _frames(av: Any, container: Any) -> Iterator[Any]:
    """Damaged packets in the middle are passed over, as players do."""
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _within(longest_s: float, frames: Iterator[Any], else_: Outcome) -> Iterator[Any]:
    """Counted before it is resampled: a few bytes can stand for hours at a very low rate."""
    seconds = 0.0
    for frame in frames:
        seconds += frame.samples / max(1, frame.sample_rate)
        if seconds > longest_s:
            raise Refused(else_)
        yield frame


def _pcm(resampler: Any, frame: Any) -> Iterator[bytes]:
    for out in resampler.resample(frame):
        yield bytes(out.planes[0])[: out.samples * BYTES_PER_SAMPLE]


def main() -> Outcome:
    """Decode standard input as the arguments say."""
    limit_resources()
    with open(0, "rb", buffering=0, closefd=False) as source, open(1, "wb", closefd=False) as sink:
        try:
            decode(source, sink, int(sys.argv[1]), float(sys.argv[2]))
        except Refused as refused:
            return refused.outcome
        except MemoryError:
            return Outcome.TOO_DEMANDING
    return Outcome.DECODED


if __name__ == "__main__":
    sys.exit(main())
