from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

import audio.decode_process
from audio import decode_child
from audio.codecs import SoundFileError
from audio.decode_child import Outcome, kind_of
from audio.decode_process import LARGEST_BYTES, decode_untrusted
from audio.pcm import as_samples, duration_s
from audio.resample import resample
from audio.voice_note import encode
from audio.wav import wav_bytes
from tests.audio.ogg_bombs import ogg_of_silence
from tests.speech import clip_named

SPEECH, _ = clip_named("lv_0880")
TOO_LONG = "This is longer than 20 minutes, which is as much as I listen to at once."
MORE_THAN_SAID = "This file holds more sound than it says it does, so I did not listen to it."
UNREADABLE = "This is no sound file that I can play: send a voice note, or OGG, MP3, M4A or WAV."


def encoded(container: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, AudioStream)
        frame = AudioFrame.from_ndarray(as_samples(resample(SPEECH, 16_000, 48_000))[None].copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def flac_of_silence(rate_hz: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=rate_hz, layout="mono")
        frame = AudioFrame.from_ndarray(np.zeros((1, 60_000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def video(with_sound: bool) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        picture = output.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        sound = output.add_stream("aac", rate=48_000, layout="mono") if with_sound else None
        output.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(picture.encode(None))
        if sound:
            frame = AudioFrame.from_ndarray(np.ones((1, 48_000), np.float32) / 2, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48_000, 0
            output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return file.getvalue()


def file_of(content: bytes) -> BinaryIO:
    file = TemporaryFile()  # noqa: SIM115
    file.write(content)
    file.flush()
    return file


async def decoded(content: bytes, declared_s: float | None = None) -> bytes:
    with file_of(content) as file:
        return bytes(await decode_untrusted(file, declared_s))


async def refusal(content: bytes, declared_s: float | None = None) -> str:
    with pytest.raises(SoundFileError) as refused:
        await decoded(content, declared_s)
    return str(refused.value)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp3", "libmp3lame"),
        ("webm", "libopus"),
        ("ogg", "libopus"),
        ("ipod", "aac"),
        ("flac", "flac"),
        ("adts", "aac"),
        ("wav", "pcm_s16le"),
    ],
)
async def test_all_usual_kinds_of_file_are_decoded(container: str, codec: str) -> None:
    pcm = await decoded(encoded(container, codec), declared_s=3)

    assert duration_s(pcm, 16_000) == pytest.approx(2.99, abs=0.1)
    assert np.abs(as_samples(pcm).astype(int)).mean() == pytest.approx(np.abs(as_samples(SPEECH).astype(int)).mean(), rel=0.15)


async def test_the_sound_of_a_video_note_is_decoded() -> None:
    assert duration_s(await decoded(video(with_sound=True), declared_s=1), 16_000) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "This file is empty, so please send it once more."),
        (b"Dear Parley, this is a text.\n" * 40, UNREADABLE),
        (b"\x00" * 4000, UNREADABLE),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(60), UNREADABLE),
        (b"OggS" + b"This is a text.\n" * 40, UNREADABLE),
        (encode(SPEECH, 16_000)[:50], UNREADABLE),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", UNREADABLE),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", UNREADABLE),
        (wav_bytes(b"", 16_000), "There is no sound in this file."),
        (video(with_sound=False), "There is no sound in this file."),
    ],
    ids=["empty", "text", "zeros", "header", "ogg of text", "cut short", "playlist", "concat", "no samples", "silent film"],
)
async def test_what_is_no_sound_is_refused_in_one_sentence(content: bytes, what: str) -> None:
    assert await refusal(content, declared_s=5) == what


async def test_a_file_that_says_it_is_too_long_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio.decode_process, "PROGRAM", Path("/nowhere"))

    assert await refusal(encode(SPEECH, 16_000), declared_s=7200) == TOO_LONG


async def test_a_file_that_is_too_large_is_not_even_opened() -> None:
    with TemporaryFile() as file:
        file.truncate(LARGEST_BYTES + 1)
        with pytest.raises(SoundFileError, match=r"^This file is larger than 25 MB, which is as much as I take\.$"):
            await decode_untrusted(file)


@pytest.mark.parametrize("honest", [True, False], ids=["said by the file", "hidden"])
async def test_two_hours_in_a_tiny_file_are_refused(honest: bool) -> None:
    bomb = ogg_of_silence(2, honest=honest)

    assert len(bomb) < 150_000
    assert await refusal(bomb, declared_s=5) == MORE_THAN_SAID
    assert await refusal(bomb) == (TOO_LONG if honest else MORE_THAN_SAID)


def test_a_file_that_deceives_is_not_decoded_for_as_long_as_its_sender_says_it_is() -> None:
    """It holds two hours, says itself that it holds a second, and its sender says that it holds 20 minutes."""
    with file_of(ogg_of_silence(2, honest=False)) as bomb:
        bomb.seek(0)
        command = [sys.executable, "-I", decode_child.__file__, "16000", "1200"]
        child = subprocess.run(command, stdin=bomb, stdout=subprocess.PIPE, check=False)
    assert child.returncode == Outcome.MORE_THAN_SAID
    assert len(child.stdout) < 5 * 16_000 * 2


async def test_a_file_may_hold_a_little_more_than_it_says() -> None:
    assert await decoded(encode(SPEECH, 16_000), declared_s=2)
    assert "more sound than it says" in await refusal(encode(SPEECH * 3, 16_000), declared_s=2)


async def test_seconds_are_counted_before_they_are_blown_up_to_our_rate() -> None:
    flac = flac_of_silence(rate_hz=8)

    assert len(flac) < 20_000
    assert "more sound than it says" in await refusal(flac, declared_s=5)


async def test_random_bytes_are_refused_or_decoded_but_nothing_else_happens() -> None:
    starts = (
        b"OggS",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"ID3",
        b"\xff\xfb\x90\x00",
        b"fLaC",
        b"\x1a\x45\xdf\xa3",
        b"\xff\xf1",
        bytes(4) + b"ftyp",
    )

    async def attempt(seed: int, start: bytes) -> None:
        try:
            assert isinstance(await decoded(start + np.random.default_rng(seed).bytes(3000), declared_s=5), bytes)
        except SoundFileError:
            return

    async with asyncio.TaskGroup() as group:
        for seed, start in enumerate(starts):
            group.create_task(attempt(seed, start))


@pytest.mark.parametrize(
    ("program", "what", "most_wall_s"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "This file takes too much work to play", 60.0),
        ("import time; time.sleep(600)", "This file takes too much work to play", 1.0),
        ("import sys; sys.stdout.write('x' * 10_000_000)", "This file takes too much work to play", 60.0),
        ("1 / 0", UNREADABLE, 60.0),
    ],
    ids=["crash", "hang", "flood", "error"],
)
async def test_a_child_that_misbehaves_is_ended(
    program: str, what: str, most_wall_s: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(audio.decode_process, "PROGRAM", tmp_path / "child.py")
    monkeypatch.setattr(audio.decode_process, "MOST_WALL_S", most_wall_s)

    assert (await refusal(b"OggS", declared_s=5)).startswith(what)


def in_the_child(action: str) -> int:
    """How a process ends that has the child's limits and then does ``action``."""
    program = f"""
import importlib.util, socket, subprocess, sys
spec = importlib.util.spec_from_file_location("decode_child", {decode_child.__file__!r})
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
child.limit_resources()
child.open_nothing_more()
try:
    {action}
except (OSError, MemoryError):
    sys.exit(child.Outcome.TOO_DEMANDING)
"""
    return subprocess.run([sys.executable, "-I", "-c", program], timeout=60, check=False).returncode


@pytest.mark.parametrize(
    "action",
    ["open('/etc/hostname')", "socket.socket()", "subprocess.Popen(['true'])", "bytearray(600 << 20)"],
    ids=["file", "socket", "process", "memory"],
)
def test_the_child_may_do_next_to_nothing(action: str) -> None:
    assert in_the_child("pass") == 0
    assert in_the_child(action) == Outcome.TOO_DEMANDING


def test_the_child_sees_no_secrets() -> None:
    assert set(audio.decode_process.PASSED_ON) == {"PATH", "LD_LIBRARY_PATH"}


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"OggS", "ogg"),
        (b"RIFF....WAVE", "wav"),
        (b"RIFF....AVI ", None),
        (b"....ftypisom", "mov"),
        (b"\xff\xfb", "mp3"),
        (b"", None),
        (b"<", None),
    ],
)
def test_the_first_bytes_tell_what_it_is(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind
