from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import pytest

from audio.wav import mono, read_wav, stereo, wav_bytes, write_wav
from errors import ParleyError


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    pcm = np.arange(-500, 500, dtype="<i2").tobytes()
    write_wav(tmp_path / "a.wav", pcm, 24_000)

    for source in (tmp_path / "a.wav", wav_bytes(pcm, 24_000)):
        wav = read_wav(source)
        assert (wav.pcm, wav.rate_hz, wav.channels) == (pcm, 24_000, 1)


def test_two_sounds_side_by_side_the_shorter_one_filled_up() -> None:
    left, right = np.full(4, 100, "<i2").tobytes(), np.full(2, 50, "<i2").tobytes()

    both = stereo(left, right)
    wav = read_wav(wav_bytes(both, 48_000, channels=2))

    assert np.frombuffer(both, "<i2").tolist() == [100, 50, 100, 50, 100, 0, 100, 0]
    assert np.frombuffer(mono(wav), "<i2").tolist() == [75, 75, 50, 50]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "is not a PCM WAV file"), (b"not a wav", "is not a PCM WAV file"), (b"RIFF\x00\x00\x00\x00WAVE", "is not a PCM WAV file")],
)
def test_what_is_no_wav_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)

    with pytest.raises(ParleyError, match=re.escape(f"{path} {what}. Save it as 16-bit PCM WAV.")):
        read_wav(path)


def test_other_sample_widths_are_refused_by_name(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 80)

    with pytest.raises(ParleyError, match=r"has 8-bit samples. Save it as 16-bit PCM WAV."):
        read_wav(tmp_path / "b.wav")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"none\.wav can't be read: No such file or directory\."):
        read_wav(tmp_path / "none.wav")
