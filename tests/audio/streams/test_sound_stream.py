"""What clients send is told by its first bytes, however it is cut into messages (A61, K22); hostile bytes are bounded."""

from __future__ import annotations

import contextlib
import io
import itertools
import random
import wave
from collections.abc import Callable, Iterator
from functools import cache

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.pcm import HEARING_RATE_HZ, as_samples
from audio.streams import SoundStream, StreamError
from audio.streams.opus import packet_s

SECONDS = 1.0
HZ = 440.0


def tone(rate_hz: int, channels: int = 1) -> np.ndarray:
    samples = (np.sin(2 * np.pi * HZ * np.arange(int(rate_hz * SECONDS)) / rate_hz) * 9000).astype("<i2")
    return np.repeat(samples, channels)


@cache
def opus(container: str, layout: str = "mono", live: bool = False) -> bytes:
    """As a browser records it."""
    file = io.BytesIO()
    options = {"live": "1"} if live else {}
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream("libopus", rate=48_000)
        stream.layout = layout
        samples, channels = tone(48_000, 2 if layout == "stereo" else 1), 2 if layout == "stereo" else 1
        for start in range(0, len(samples), 960 * channels):
            frame = av.AudioFrame.from_ndarray(samples[start : start + 960 * channels].reshape(1, -1), format="s16", layout=layout)
            frame.rate, frame.pts = 48_000, start // channels
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@cache
def wav(rate_hz: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(channels)
        output.setsampwidth(width)
        output.setframerate(rate_hz)
        output.writeframes(tone(rate_hz, channels).tobytes() if width == 2 else bytes(3200))
    return file.getvalue()


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "raw PCM": ("pcm", lambda: tone(16_000).tobytes()),
    "WAV": ("wav", wav),
    "stereo WAV at 44.1 kHz": ("wav", lambda: wav(44_100, 2)),
    "WAV whose length nobody knew": ("wav", lambda: wav()[:40] + b"\xff\xff\xff\xff" + wav()[44:]),
    "WebM": ("webm", lambda: opus("webm")),
    "live WebM in stereo": ("webm", lambda: opus("webm", "stereo", live=True)),
    "Ogg": ("ogg", lambda: opus("ogg")),
    "Ogg in stereo": ("ogg", lambda: opus("ogg", "stereo")),
}


def heard(sound: bytes, sizes: Iterator[int], stream: SoundStream | None = None) -> tuple[str, bytes]:
    stream, pcm, place = stream or SoundStream(), b"", 0
    for size in sizes:
        if place >= len(sound):
            break
        pcm += b"".join(stream.feed(sound[place : place + size]))
        place += size
    return stream.kind, pcm


def pitch(pcm: bytes) -> float:
    samples = as_samples(pcm)[3200:14_400].astype(float)
    return float(np.abs(np.fft.rfft(samples)).argmax()) * HEARING_RATE_HZ / len(samples)


@pytest.mark.parametrize("size", [3, 100, 4096, 1 << 20])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_heard_however_it_is_cut(name: str, size: int) -> None:
    kind, sound = KINDS[name]
    told, pcm = heard(sound(), itertools.repeat(size))
    assert told == kind
    assert len(pcm) / 2 / HEARING_RATE_HZ == pytest.approx(SECONDS, abs=0.08)
    assert pitch(pcm) == pytest.approx(HZ, abs=5)


def test_raw_pcm_at_another_rate() -> None:
    _, pcm = heard(tone(48_000).tobytes(), itertools.repeat(4096), SoundStream(48_000))
    assert len(pcm) / 2 / HEARING_RATE_HZ == pytest.approx(SECONDS, abs=0.08)
    assert pitch(pcm) == pytest.approx(HZ, abs=5)


@pytest.mark.parametrize("kind", ["webm", "ogg"])
def test_a_recorder_that_begins_anew_goes_on(kind: str) -> None:
    _, pcm = heard(opus(kind) * 2, itertools.repeat(len(opus(kind))))
    assert len(pcm) / 2 / HEARING_RATE_HZ == pytest.approx(2 * SECONDS, abs=0.16)


def test_one_wav_file_after_the_other() -> None:
    _, pcm = heard(wav() * 3, itertools.repeat(1000))
    assert pcm == tone(16_000).tobytes() * 3


def test_a_wav_file_of_half_a_sample_is_passed_over() -> None:
    half = wav()[:40] + b"\x01\0\0\0\x07"
    assert heard(half * 3 + wav(), itertools.repeat(1 << 20))[1] == tone(16_000).tobytes()


def test_pieces_are_short() -> None:
    assert max(len(piece) for piece in SoundStream().feed(bytes(64_000))) <= 0.12 * HEARING_RATE_HZ * 2


class TooMuchError(Exception):
    pass


@pytest.mark.parametrize("name", KINDS)
def test_no_more_is_decoded_than_is_allowed(name: str) -> None:
    allowed = 0.5

    def allow(seconds: float) -> None:
        nonlocal allowed
        allowed -= seconds
        if allowed < 0:
            raise TooMuchError

    with pytest.raises(TooMuchError):
        heard(KINDS[name][1](), itertools.repeat(1000), SoundStream(allow=allow))


REFUSED = {
    "MP3": (b"ID3\x04" + bytes(100), "MP3"),
    "FLAC": (b"fLaC" + bytes(100), "FLAC"),
    "MP4, as old Safaris record it": (b"\x00\x00\x00\x20ftypiso5" + bytes(100), "MP4"),
    "WAV of 8 bits": (wav(width=1), "8 bits"),
    "WAV without a format": (b"RIFF\xff\xff\xff\xffWAVEdata\x10\x00\x00\x00" + bytes(16), "does not say"),
    "WAV that is all head": (b"RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\x7f" + bytes(16), "no sound follows"),
    "WAV of nothing but chunks": (b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 100, "no sound follows"),
    "Ogg with something else": (opus("ogg").replace(b"OpusHead", b"\x01vorbis\0"), "no Opus"),
    "Ogg with a hole": (opus("ogg")[:1000] + opus("ogg")[1100:], "broken"),
    "WebM with something else": (opus("webm").replace(b"A_OPUS", b"A_AAC_"), "no Opus track"),
    "WebM with six channels": (opus("webm").replace(b"OpusHead\x01\x01", b"OpusHead\x01\x06"), "6 channels"),
    "WebM of nothing but fillings": (opus("webm")[:48] + b"\xec\x80" * 5000, "no sound"),
    "WebM with an element of a gigabyte": (opus("webm", live=True)[:48] + b"\xa3\x10\x40\x00\x00\x00" + bytes(99), "too large"),
    "WebM and then noise": (opus("webm")[:300] + bytes(100), "broken"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_heard_is_refused_with_a_reason(name: str) -> None:
    sound, why = REFUSED[name]
    with pytest.raises(StreamError, match=why):
        heard(sound, itertools.repeat(1000))


@pytest.mark.parametrize(
    ("head", "milliseconds"), [(b"\x00", 10), (b"\x18", 60), (b"\x61", 20), (b"\x80", 2.5), (b"\xfa", 40), (b"\x83\x30", 120)]
)
def test_the_length_of_an_opus_packet_is_known_before_it_is_decoded(head: bytes, milliseconds: float) -> None:
    assert packet_s(head + b"\x55") * 1000 == pytest.approx(milliseconds)


@pytest.mark.parametrize("packet", [b"\xff", b"\x83\x00", b"\x1b\x03", b"\x9b\x3f"])
def test_packets_of_impossible_length_are_refused(packet: bytes) -> None:
    with pytest.raises(StreamError):
        packet_s(packet)


def damaged(sound: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(sound[: chance.randrange(100, len(sound))])
    for _ in range(chance.randrange(1, 40)):
        place = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randrange(1, 50)]
            case _:
                data[place:place] = chance.randbytes(chance.randrange(1, 50))
    return bytes(data)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32), st.integers(50, 5000))
def test_damaged_sound_is_heard_or_refused_and_nothing_else(name: str, seed: int, size: int) -> None:
    sound = damaged(KINDS[name][1](), seed)
    stream = SoundStream()
    try:
        _, pcm = heard(sound, itertools.repeat(size), stream)
    except StreamError:
        return
    assert len(pcm) <= 20 * len(sound) + 10_000_000 * (stream.kind in ("webm", "ogg"))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([b"", b"\x1a\x45\xdf\xa3", b"OggS\x00", b"RIFF\x00\x00\x00\x00WAVE"]), st.binary(max_size=3000), st.integers(1, 3000)
)
def test_any_bytes_are_heard_or_refused_and_nothing_else(head: bytes, rest: bytes, size: int) -> None:
    with contextlib.suppress(StreamError):
        heard(head + rest, itertools.repeat(size))
