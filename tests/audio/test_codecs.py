from __future__ import annotations

import io
import os
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from audio.codecs import SoundFileError, decode, decode_for_playout
from audio.pcm import as_samples, duration_s
from audio.resample import resample
from audio.wav import stereo, wav_bytes
from tests.speech import clip_named

SPEECH, _ = clip_named("lv_0880")


def encoded(container: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000)
        assert isinstance(stream, AudioStream)
        frame = AudioFrame.from_ndarray(as_samples(resample(SPEECH, 16_000, 48_000))[None].copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def likeness(one: bytes, other: bytes) -> float:
    """Correlation at the best shift: 1.0 for the same sound."""
    a, b = as_samples(one).astype(float), as_samples(other).astype(float)
    size = len(a) + len(b)
    correlation = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    return float(np.abs(correlation).max() / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("webm", "libopus"), ("ogg", "libopus"), ("ipod", "aac"), ("flac", "flac")]
)
def test_all_usual_kinds_of_file_are_decoded_at_both_rates(container: str, codec: str) -> None:
    file = encoded(container, codec)

    heard, played = decode(file), decode_for_playout(file)

    assert duration_s(heard, 16_000) == pytest.approx(2.99, abs=0.1)
    assert duration_s(played, 24_000) == pytest.approx(2.99, abs=0.1)
    assert likeness(heard, SPEECH) > 0.95


def test_both_channels_are_heard() -> None:
    file = wav_bytes(stereo(SPEECH, bytes(len(SPEECH))), 16_000, channels=2)

    assert likeness(decode(file), SPEECH) > 0.99


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "The sound is empty (0 bytes). Send it once more."),
        (b"Dear Parley, this is a text.\n" * 40, "The sound is no sound file that can be played"),
        (b"\x00" * 4000, "The sound is no sound file that can be played"),
        (b"RIFF" + bytes(60), "The sound is no sound file that can be played"),
        (encoded("ogg", "libopus")[:50], "The sound is no sound file that can be played"),
        (wav_bytes(b"", 16_000), "The sound holds no sound. Send WAV, MP3 or OGG."),
    ],
    ids=["empty", "text", "zeros", "header", "cut short", "no samples"],
)
def test_what_is_no_sound_is_refused_in_plain_words(content: bytes, what: str) -> None:
    with pytest.raises(SoundFileError) as refused:
        decode(content)

    assert str(refused.value).startswith(what)


def test_random_bytes_are_refused_or_decoded_but_nothing_else_happens() -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).bytes(3000)
        for start in (b"", b"OggS", b"RIFF", b"ID3", b"\xff\xfb\x90\x00", b"fLaC", b"\x1a\x45\xdf\xa3"):
            try:
                assert isinstance(decode(start + noise), bytes)
            except SoundFileError:
                continue


def test_a_playlist_reads_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "private.wav").write_bytes(wav_bytes(SPEECH, 16_000))
    for playlist in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{tmp_path}/private.wav\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {tmp_path}/private.wav\n",
    ):
        with pytest.raises(SoundFileError):
            decode(playlist.encode())


def test_a_video_without_sound_says_so() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))

    with pytest.raises(SoundFileError, match="it has no sound track"):
        decode(file.getvalue())


def test_limits_are_told() -> None:
    file = wav_bytes(SPEECH, 16_000)

    with pytest.raises(SoundFileError, match=r"The sound is longer than 2 seconds. Send a shorter piece."):
        decode(file, longest_s=2)
    with pytest.raises(SoundFileError, match=r"The sound is larger than 0.05 MB. Send a smaller file."):
        decode(file, largest_bytes=50_000)


def test_files_are_named_without_their_folder(tmp_path: Path) -> None:
    path = tmp_path / "note.ogg"
    with pytest.raises(SoundFileError, match=r"^note\.ogg can't be read: No such file or directory\.$"):
        decode(path)
    path.write_bytes(os.urandom(0))
    with pytest.raises(SoundFileError, match=r"^note\.ogg is empty"):
        decode(path)
