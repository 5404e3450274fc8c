"""Sound files of any kind that this machine's owner put there, through PyAV's libraries: no ffmpeg program is needed. Blocking.

Files from strangers go through :mod:`audio.decode_process`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from errors import ParleyError

LONGEST_S: Final = 600.0
LARGEST_BYTES: Final = 50_000_000
CONTAINERS: Final = "wav,w64,ogg,mp3,flac,aac,ac3,amr,aiff,au,caf,asf,avi,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,mpeg,opus"
"""No playlists: those could name files of this machine or addresses of its network."""


class SoundFileError(ParleyError):
    """A sound file that can't be used: empty, too large, too long, or no sound at all."""


def decode(
    source: Path | bytes, rate_hz: int = HEARING_RATE_HZ, *, longest_s: float = LONGEST_S, largest_bytes: int = LARGEST_BYTES
) -> bytes:
    """WAV, OGG/Opus, MP3, M4A, WebM, FLAC, the sound of a video, … as 16-bit mono PCM at ``rate_hz``.

    :raises SoundFileError: it can't be read, is empty, larger or longer than allowed, or holds no sound that can be decoded.
    """
    name = "The sound" if isinstance(source, bytes) else source.name
    data = _content(source, name, largest_bytes)
    most_bytes = int(longest_s * rate_hz) * BYTES_PER_SAMPLE
    pcm = bytearray()
    try:
        with av.open(io.BytesIO(data), mode="r", options={"format_whitelist": CONTAINERS}) as container:
            for piece in _decoded(container, rate_hz):
                pcm += piece
                if len(pcm) > most_bytes:
                    raise SoundFileError(f"{name} is longer than {_duration(longest_s)}.", "Send a shorter piece.")
    except (av.FFmpegError, IndexError, ValueError) as broken:
        raise SoundFileError(f"{name} is no sound file that can be played ({_reason(broken)}).", "Send WAV, MP3 or OGG.") from None
    if not pcm:
        raise SoundFileError(f"{name} holds no sound.", "Send WAV, MP3 or OGG.")
    return bytes(pcm)


def decode_for_playout(source: Path | bytes) -> bytes:
    """See :func:`decode`; at the rate at which lines play."""
    return decode(source, PLAYOUT_RATE_HZ)


def _content(source: Path | bytes, name: str, largest_bytes: int) -> bytes:
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > largest_bytes:
            raise SoundFileError(f"{name} is larger than {largest_bytes / 1e6:g} MB.", "Send a smaller file.")
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as unreadable:
        raise SoundFileError(f"{name} can't be read: {unreadable.strerror}.") from None
    if not data:
        raise SoundFileError(f"{name} is empty (0 bytes).", "Send it once more.")
    return data


def _decoded(container: InputContainer, rate_hz: int) -> Iterator[bytes]:
    """PCM as it is decoded. Damaged packets in the middle are passed over, as players do."""
    resampler = AudioResampler(format="s16", layout="mono", rate=rate_hz)
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            yield from _pcm(resampler, frame)
    yield from _pcm(resampler, None)


def _pcm(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[bytes]:
    for out in resampler.resample(frame):
        yield bytes(out.planes[0])[: out.samples * BYTES_PER_SAMPLE]


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"


def _reason(broken: Exception) -> str:
    if isinstance(broken, IndexError):
        return "it has no sound track"
    return broken.strerror.lower() if isinstance(broken, av.FFmpegError) and broken.strerror else str(broken)
