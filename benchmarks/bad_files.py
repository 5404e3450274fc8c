"""What sound files cost that were made to do harm, or that are none: what their sender is told, how long it takes, how much memory.

    python benchmarks/bad_files.py [--quick] [--json FILE]

Each is taken in as a voice message is, in a fresh process: what it is said to be, then the decoder's child process. Memory is the highest
of the child, and how much the process itself grew.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audio.codecs import SoundFileError
from audio.decode_process import decode_untrusted
from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from audio.voice_note import encode
from benchmarks.report import argument_parser, publish
from tests.audio.ogg_bombs import ogg_of_silence
from tests.speech import clip_named

KIB_PER_MB: Final = 1000 / 1.024
PROCESS_WITHIN_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class BadFile:
    """``declared_s`` is what its sender says."""

    name: str
    content: bytes
    declared_s: float


@dataclass(frozen=True, slots=True)
class Row:
    """One file."""

    file: str
    kb: float
    seconds: float
    child_mb: float
    own_mb: float
    told: str


def bad_files() -> list[BadFile]:
    """All that are tried."""
    speech, _ = clip_named("jfk")
    return [
        BadFile("said to be 2 hours", encode(speech, HEARING_RATE_HZ), 7200),
        BadFile("2 hours of silence, said to be 5 s", ogg_of_silence(2), 5),
        BadFile("2 hours that say they are 1 s, said to be 5 s", ogg_of_silence(2, honest=False), 5),
        BadFile("2 hours that say they are 1 s, said to be 20 min", ogg_of_silence(2, honest=False), 1200),
        BadFile("20 min of silence, as said", ogg_of_silence(20 / 60 - 0.01), 1200),
        BadFile("no bytes", b"", 5),
        BadFile("a text", b"Dear Parley,\n" * 50, 5),
        BadFile("a text that begins like OGG", b"OggS" + b"Dear Parley,\n" * 50, 5),
    ]


def taken_in(file: BadFile) -> Row:
    """Take one in; for a process of its own."""
    with TemporaryFile() as on_disk:
        on_disk.write(file.content)
        on_disk.flush()
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began_s = time.perf_counter()
        try:
            told = f"(decoded: {asyncio.run(_decoded_s(on_disk, file.declared_s)):.0f} s)"
        except SoundFileError as refused:
            told = str(refused)
        seconds = time.perf_counter() - began_s
    own_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    child_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Row(file.name, len(file.content) / 1000, seconds, child_kib / KIB_PER_MB, own_kib / KIB_PER_MB, told)


async def _decoded_s(file: BinaryIO, declared_s: float) -> float:
    return len(await decode_untrusted(file, declared_s)) / BYTES_PER_SAMPLE / HEARING_RATE_HZ


def main() -> int:
    """Measure and print; the exit code."""
    wanted = argument_parser(__doc__ or "").parse_args()
    files = bad_files()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rows = [pool.apply_async(taken_in, (file,)).get(PROCESS_WITHIN_S) for file in files]
    publish("bad_files", rows, wanted.json, "Files that were made to do harm, or hold no sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
