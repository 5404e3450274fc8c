from __future__ import annotations

import sys
from contextlib import aclosing
from pathlib import Path

import pytest

import audio.tts.espeak
from audio.pcm import PLAYOUT_RATE_HZ, duration_s
from audio.tts import Voice
from audio.tts.espeak import EspeakEngine
from errors import EngineError

PROGRAM = """#!{python}
import pathlib, struct, sys
pathlib.Path({log!r}).write_text(" ".join(sys.argv[1:]) + "|" + sys.stdin.read())
pcm = bytes(22050) + b"\\x00\\x20\\x00\\xe0" * 11025 + bytes(22050)
header = b"RIFF" + struct.pack("<I", 0x7FFFF024) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 22050, 44100, 2, 16)
sys.stdout.buffer.write(header + b"data" + struct.pack("<I", 0x7FFFF000) + pcm)
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "espeak-ng"
    path.write_text(text)
    path.chmod(0o755)
    return path


async def said(engine: EspeakEngine, text: str, voice: Voice) -> bytes:
    async with aclosing(engine.synthesize(text, voice)) as sound:
        return b"".join([piece async for piece in sound])


async def test_the_program_is_given_text_speed_and_language_and_its_sound_is_trimmed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    engine = EspeakEngine(program(tmp_path, PROGRAM.format(python=sys.executable, log=str(log))))
    await engine.load()

    pcm = await said(engine, "Hallo -x; there", Voice(language="de", rate_percent=20))
    await engine.close()

    assert log.read_text() == "--stdin --stdout -b 1 -s 198 -v de|Hallo -x; there"
    assert duration_s(pcm, PLAYOUT_RATE_HZ) == pytest.approx(1.065, abs=0.02)


async def test_nothing_to_say_runs_nothing() -> None:
    assert await said(EspeakEngine(), "...", Voice()) == b""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("#!/bin/sh\nexit 3\n", r"espeak-ng failed \(exit code 3\); does it know the voice 'en'\?"),
        ("#!/bin/sh\necho nonsense\n", r"espeak-ng gave no sound: The sound is not a PCM WAV file\."),
        ("not a program", r"espeak-ng can't be run: "),
    ],
)
async def test_failures_are_told(tmp_path: Path, text: str, error: str) -> None:
    engine = EspeakEngine(program(tmp_path, text))
    await engine.load()

    with pytest.raises(EngineError, match=error):
        await said(engine, "Hello.", Voice())


async def test_a_program_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio.tts.espeak, "RUN_TIMEOUT_S", 0.2)
    engine = EspeakEngine(program(tmp_path, "#!/bin/sh\nexec sleep 60\n"))
    await engine.load()

    with pytest.raises(EngineError, match=r"espeak-ng gave no sound within 0\.2 s\."):
        await said(engine, "Hello.", Voice())


async def test_where_it_is_not_installed_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        EngineError, match=r"espeak-ng is not installed\. Install it \(apt install espeak-ng\), or choose another TTS_ENGINE\."
    ):
        await EspeakEngine().load()
    with pytest.raises(EngineError, match=r"espeak-ng is not loaded\."):
        await said(EspeakEngine(), "Hello.", Voice())
