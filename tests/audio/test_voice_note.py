from __future__ import annotations

import io

import av
import numpy as np
import pytest

from audio.codecs import SoundFileError, decode
from audio.pcm import as_samples, from_floats
from audio.voice_note import encode, voice_note, waveform
from tests.speech import clip_named

SPEECH, _ = clip_named("lv_0880")


def bars(packed: bytes) -> list[int]:
    """As Telegram's clients read them: 5 bits each, the lowest first."""
    bits = int.from_bytes(packed, "little")
    return [bits >> 5 * number & 31 for number in range(100)]


def likeness(one: bytes, other: bytes) -> float:
    """Correlation at the best shift: 1.0 for the same sound."""
    a, b = as_samples(one).astype(float), as_samples(other).astype(float)
    size = len(a) + len(b)
    correlation = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    return float(np.abs(correlation).max() / np.sqrt((a @ a) * (b @ b)))


def test_a_voice_note_is_ogg_opus_mono_at_48_khz_and_sounds_the_same() -> None:
    note = voice_note(SPEECH, 16_000)

    with av.open(io.BytesIO(note.ogg)) as container:
        codec = container.streams.audio[0].codec_context
        assert (container.format.name, codec.name, codec.sample_rate, codec.channels) == ("ogg", "opus", 48_000, 1)
    assert note.duration_s == pytest.approx(2.99, abs=0.01)
    assert len(note.ogg) < len(SPEECH) / 5
    assert likeness(decode(note.ogg), SPEECH) > 0.7


def test_the_waveform_is_100_bars_of_5_bits_in_63_bytes() -> None:
    rising = from_floats(np.linspace(0, 1, 48_000, dtype=np.float32))

    packed = waveform(rising)

    assert len(packed) == 63
    assert bars(packed) == sorted(bars(packed))
    assert (bars(packed)[0], bars(packed)[-1]) == (0, 31)


def test_near_silence_is_drawn_low() -> None:
    assert max(bars(waveform(from_floats(np.full(48_000, 0.01, np.float32))))) <= 4
    assert set(bars(waveform(bytes(96_000)))) == {0}


def test_the_shortest_sound_has_a_waveform_too() -> None:
    assert len(waveform(b"\x00\x40" * 10)) == 63


def test_no_sound_makes_no_voice_note() -> None:
    with pytest.raises(SoundFileError, match=r"There is no sound to make a voice note of."):
        encode(b"", 16_000)
