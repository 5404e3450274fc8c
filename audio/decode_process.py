"""Sound files from strangers, decoded in a child process that can do no harm: little memory, little time, no files, no network."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from audio.codecs import SoundFileError
from audio.decode_child import ALLOWANCE, ROUNDING_S, Outcome
from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ

PROGRAM: Final = Path(__file__).with_name("decode_child.py")
LONGEST_S: Final = 20 * 60.0
LARGEST_BYTES: Final = 25 << 20
MOST_WALL_S: Final = 60.0
PIECE_BYTES: Final = 64 << 10
PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH")
"""All that the child sees of the environment, which holds secrets."""


async def decode_untrusted(
    file: BinaryIO, declared_s: float | None = None, *, rate_hz: int = HEARING_RATE_HZ, longest_s: float = LONGEST_S
) -> bytearray:
    """The sound of an open, real file as 16-bit mono PCM at ``rate_hz``.

    ``declared_s`` is how long whoever sent it says it is; ``None`` when nobody said.

    :raises audio.codecs.SoundFileError: it is empty, too large, too long, longer than declared, or no sound file; one sentence says so.
    """
    check_size(os.fstat(file.fileno()).st_size)
    check_duration(declared_s, longest_s)
    allowed_s = longest_s if declared_s is None else min(longest_s, ALLOWANCE * declared_s + ROUNDING_S)
    file.seek(0)
    try:
        async with asyncio.timeout(MOST_WALL_S), _child(file, rate_hz, allowed_s) as child:
            pcm = await _at_most(child, int((allowed_s + ROUNDING_S) * rate_hz) * BYTES_PER_SAMPLE)
            code = await child.wait()
    except TimeoutError:
        code = Outcome.TOO_DEMANDING
    if code != Outcome.DECODED:
        raise _refusal(code, allowed_s < longest_s, longest_s)
    return pcm


def check_size(size: int) -> None:
    """Whether a file of ``size`` bytes is worth fetching.

    :raises audio.codecs.SoundFileError: it is not.
    """
    if size == 0:
        raise SoundFileError("This file is empty, so please send it once more.", key="sound.empty")
    if size > LARGEST_BYTES:
        megabytes = LARGEST_BYTES >> 20
        what = f"This file is larger than {megabytes} MB, which is as much as I take."
        raise SoundFileError(what, key="sound.too_large", fields={"megabytes": megabytes})


def check_duration(declared_s: float | None, longest_s: float = LONGEST_S) -> None:
    """Whether a sound that is said to be this long is listened to.

    :raises audio.codecs.SoundFileError: it is not.
    """
    if declared_s is not None and declared_s > longest_s:
        raise _too_long(longest_s)


@contextlib.asynccontextmanager
async def _child(file: BinaryIO, rate_hz: int, longest_s: float) -> AsyncIterator[Process]:
    """The running program; it has ended when the block has."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(PROGRAM), str(rate_hz), str(longest_s)),
        stdin=file.fileno(),
        stdout=PIPE,
        stderr=DEVNULL,
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _at_most(child: Process, most_bytes: int) -> bytearray:
    """What the child writes; one that overlooks its own limit is killed.

    Room for all of it is taken at once: a buffer that grows holds several times as much while it does.
    """
    assert child.stdout is not None
    pcm, size = bytearray(most_bytes + PIECE_BYTES), 0
    while size <= most_bytes and (piece := await child.stdout.read(PIECE_BYTES)):
        pcm[size : size + len(piece)] = piece
        size += len(piece)
    if size > most_bytes:
        child.kill()
    del pcm[size:]
    return pcm


def _refusal(code: int, declared: bool, longest_s: float) -> SoundFileError:
    match code:
        case Outcome.NO_SOUND:
            return SoundFileError("There is no sound in this file.", key="sound.no_sound")
        case Outcome.MORE_THAN_SAID:
            return _more_than_said()
        case Outcome.TOO_LONG if declared:
            return _more_than_said()
        case Outcome.TOO_LONG:
            return _too_long(longest_s)
        case Outcome.UNREADABLE | 1:
            what = "This is no sound file that I can play: send a voice note, or OGG, MP3, M4A or WAV."
            return SoundFileError(what, key="sound.unreadable")
        case _:
            what = "This file takes too much work to play: send a voice note, or OGG, MP3, M4A or WAV."
            return SoundFileError(what, key="sound.too_demanding")


def _more_than_said() -> SoundFileError:
    return SoundFileError("This file holds more sound than it says it does, so I did not listen to it.", key="sound.more_than_said")


def _too_long(longest_s: float) -> SoundFileError:
    minutes = f"{longest_s / 60:g}"
    what = f"This is longer than {minutes} minutes, which is as much as I listen to at once."
    return SoundFileError(what, key="sound.too_long", fields={"minutes": minutes})
