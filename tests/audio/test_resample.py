from __future__ import annotations

import numpy as np
import pytest

from audio.resample import Resampler, resample


def tone(rate_hz: int, seconds: float = 0.5) -> bytes:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)).astype("<i2").tobytes()


def frequency_hz(pcm: bytes, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2").astype(float)))
    return float(spectrum.argmax()) * rate_hz / (len(pcm) // 2)


@pytest.mark.parametrize("from_hz", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("to_hz", [16_000, 24_000, 48_000])
def test_length_and_pitch_stay(from_hz: int, to_hz: int) -> None:
    out = resample(tone(from_hz), from_hz, to_hz)

    assert len(out) // 2 == pytest.approx(to_hz / 2, abs=2)
    assert frequency_hz(out, to_hz) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "piece"), [(48_000, 16_000, 960), (22_050, 24_000, 1), (24_000, 48_000, 480), (16_000, 16_000, 321)]
)
def test_a_stream_in_pieces_gives_the_same_sound_as_the_whole(from_hz: int, to_hz: int, piece: int) -> None:
    pcm, stream = tone(from_hz, 0.1), Resampler(from_hz, to_hz)

    pieces = b"".join(stream.feed(pcm[start : start + piece * 2]) for start in range(0, len(pcm), piece * 2)) + stream.flush()

    whole = resample(pcm, from_hz, to_hz)
    assert len(pieces) == pytest.approx(len(whole), abs=4)
    shared = min(len(pieces), len(whole)) // 2
    assert np.abs(np.frombuffer(pieces, "<i2")[:shared].astype(int) - np.frombuffer(whole, "<i2")[:shared]).max() <= 40


def test_nothing_in_nothing_out() -> None:
    stream = Resampler(48_000, 16_000)

    assert stream.feed(b"") + stream.flush() == b""
    assert resample(b"", 48_000, 16_000) == b""


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8_000, 16_000), (24_000, 8_000), (24_000, 48_000), (48_000, 16_000), (22_050, 24_000)])
def test_a_stream_hands_on_what_it_can_at_once(from_hz: int, to_hz: int) -> None:
    stream, piece = Resampler(from_hz, to_hz), tone(from_hz, 0.01)
    out_s = 0.0
    for place in range(1, 30):
        out_s += len(stream.feed(piece)) / 2 / to_hz
        assert place * 0.01 - out_s < 0.005


def test_what_the_lower_rate_cannot_hold_is_not_heard() -> None:
    hiss = (8000 * np.sin(2 * np.pi * 5500 * np.arange(24_000) / 24_000)).astype("<i2").tobytes()

    out = np.frombuffer(Resampler(24_000, 8_000).feed(hiss), "<i2")

    assert np.abs(out[200:]).max() <= 2
