from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from audio.pcm import PLAYOUT_RATE_HZ, as_floats, duration_s
from audio.resample import resample
from audio.stt.decoding import WhisperDecoder
from audio.stt.whisper import guarded_decode
from audio.stt.word_errors import word_error_rate
from audio.trim import AUDIBLE_PEAK
from audio.tts import Voice
from audio.tts.piper import PiperEngine, length_scale
from audio.tts.piper_process import PROGRAM
from errors import EngineError, ModelMissing
from models import path_of

ROOT = Path(__file__).parent.parent.parent
SENTENCE = "The train to Manchester leaves from the next platform."
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def voice_file(models_dir: Path) -> Path:
    return next(path_of("piper-joe-medium", models_dir).glob("*.onnx"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def piper(voice_file: Path) -> AsyncIterator[PiperEngine]:
    engine = PiperEngine(voice_file)
    await engine.load()
    yield engine
    await engine.close()


async def said(engine: PiperEngine, text: str, voice: Voice | None = None) -> bytes:
    async with aclosing(engine.synthesize(text, voice or Voice())) as sound:
        return b"".join([piece async for piece in sound])


async def rest_of(sound: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in sound])


@in_one_loop
async def test_what_is_said_can_be_understood(piper: PiperEngine, whisper_base: WhisperDecoder) -> None:
    pcm = resample(await said(piper, SENTENCE), PLAYOUT_RATE_HZ, 16_000)

    heard = guarded_decode(whisper_base, as_floats(pcm), "en")

    assert word_error_rate(SENTENCE, heard.text) <= 0.25
    assert piper.name == "piper joe-medium"


@in_one_loop
async def test_both_ends_are_trimmed(piper: PiperEngine) -> None:
    samples = np.abs(np.frombuffer(await said(piper, "Yes, of course."), "<i2").astype(int))

    audible = np.flatnonzero(samples > 0.8 * AUDIBLE_PEAK)

    assert audible[0] / PLAYOUT_RATE_HZ <= 0.07
    assert (len(samples) - audible[-1]) / PLAYOUT_RATE_HZ <= 0.07


@in_one_loop
async def test_each_sentence_comes_when_it_is_ready(piper: PiperEngine) -> None:
    pieces = [piece async for piece in piper.synthesize("One sentence. And here is another one.", Voice())]

    assert len(pieces) >= 2


@in_one_loop
async def test_the_rate_changes_the_length(piper: PiperEngine) -> None:
    normal, fast, slow = [duration_s(await said(piper, SENTENCE, Voice(rate_percent=rate)), PLAYOUT_RATE_HZ) for rate in (0, 50, -40)]

    assert fast < normal * 0.8
    assert slow > normal * 1.3


def test_the_rate_has_limits() -> None:
    assert [length_scale(rate) for rate in (0, 100, 900, -50, -99)] == [1.0, 0.5, 0.5, 2.0, 2.0]


@pytest.mark.parametrize("text", ["", "  ", "...", "!?", "\U0001f642", "[[ ]]"])
@in_one_loop
async def test_what_can_not_be_said_is_silence(piper: PiperEngine, text: str) -> None:
    assert await said(piper, text) == b""


@in_one_loop
async def test_odd_text_does_no_harm(piper: PiperEngine) -> None:
    for text in ("[[h@l'oU]] a", "Ω 你好 abc", "a\x00b", "x" * 200):
        assert isinstance(await said(piper, text), bytes)
    with pytest.raises(EngineError, match=r"A clause of 2001 characters is too long to be spoken at once\. At most 2000 are\."):
        await said(piper, "a" * 2001)


@in_one_loop
async def test_clauses_asked_for_at_once_do_not_mix(piper: PiperEngine) -> None:
    short, long = await asyncio.gather(said(piper, "Yes."), said(piper, SENTENCE + " " + SENTENCE))

    assert duration_s(short, PLAYOUT_RATE_HZ) < 1.2
    assert duration_s(long, PLAYOUT_RATE_HZ) > 4


@in_one_loop
async def test_a_clause_that_is_cut_leaves_the_voice_to_the_next(piper: PiperEngine) -> None:
    sound = piper.synthesize("One sentence. " * 20, Voice())
    first = await anext(sound)
    await sound.aclose()

    assert first
    assert duration_s(await said(piper, "Yes."), PLAYOUT_RATE_HZ) < 1.2


@in_one_loop
async def test_whoever_gives_up_while_waiting_does_not_block_the_others(piper: PiperEngine) -> None:
    talking = asyncio.create_task(said(piper, "One sentence. " * 5))
    waiting = asyncio.create_task(said(piper, "Never said."))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert await said(piper, "Yes.")
    assert await talking


async def test_a_program_that_dies_is_started_again_once(voice_file: Path) -> None:
    engine = PiperEngine(voice_file)
    await engine.load()
    assert engine._process is not None
    sound = engine.synthesize("One sentence. " * 20, Voice())
    await anext(sound)
    engine._process._process.kill()

    with pytest.raises(EngineError, match=r"The Piper program stopped \(exit code -9\) while it spoke\."):
        await rest_of(sound)
    assert await said(engine, "Here I am again.")
    await engine.close()


async def test_a_program_that_keeps_dying_is_given_up(voice_file: Path) -> None:
    engine = PiperEngine(voice_file)
    await engine.load()
    engine._restarts_left = 0
    assert engine._process is not None
    engine._process._process.kill()
    await engine._process._process.wait()
    await asyncio.sleep(0.05)

    with pytest.raises(EngineError, match=r"piper joe-medium keeps stopping\. Try another voice: TTS_ENGINE=espeak or edge\."):
        await said(engine, "Hello.")
    await engine.close()


async def test_closing_ends_the_program_and_the_clause_at_work(voice_file: Path) -> None:
    engine = PiperEngine(voice_file)
    await engine.load()
    assert engine._process is not None
    program = engine._process._process
    sound = engine.synthesize("One sentence. " * 20, Voice())
    await anext(sound)

    await engine.close()

    with pytest.raises(EngineError, match=r"The voice was closed while it spoke\."):
        await rest_of(sound)
    assert program.returncode is not None
    with pytest.raises(EngineError, match=r"piper joe-medium is not loaded\."):
        await said(engine, "Hello.")


async def test_missing_and_damaged_voices_are_named(tmp_path: Path) -> None:
    voice = tmp_path / "mine.onnx"
    with pytest.raises(ModelMissing, match=r"The Piper voice file .*mine\.onnx is missing\. Fetch it: bot\.py engines fetch\."):
        await PiperEngine(voice).load()
    voice.write_bytes(b"no model")
    with pytest.raises(ModelMissing, match=r"mine\.onnx\.json is missing"):
        await PiperEngine(voice).load()
    voice.with_name("mine.onnx.json").write_text("{}")
    with pytest.raises(EngineError, match=r"The Piper voice mine\.onnx can't be loaded: "):
        await PiperEngine(voice).load()


def test_the_program_ends_when_its_parent_does(voice_file: Path) -> None:
    program = subprocess.Popen([sys.executable, "-P", PROGRAM, voice_file, "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.read(1) == b"R"

    program.stdin.close()

    assert program.wait(10) == 0
    program.stdout.close()


def test_nothing_but_the_program_imports_piper_and_nothing_imports_the_program() -> None:
    """Piper is GPL-3.0-or-later and Parley is not: they meet at a pipe only.

    The drivers of other voice agents, which run in environments of their own to be measured beside Parley, carry its licence.
    """
    sources = [path for path in ROOT.rglob("*.py") if not {".venv", "build"} & set(path.relative_to(ROOT).parts) and path != PROGRAM]
    assert len(sources) > 50
    offenders = [path for path in sources if any(_is_piper(name) for name in _imported(path))]

    drivers = [path for path in offenders if path.parent == ROOT / "benchmarks" / "peers"]
    assert offenders == drivers
    assert all("SPDX-License-Identifier: GPL-3.0-or-later" in path.read_text(encoding="utf-8").splitlines()[0] for path in drivers)
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in PROGRAM.read_text(encoding="utf-8").splitlines()[0]


def _imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module or ''}.{alias.name}" for alias in node.names]
    return names


def _is_piper(module: str) -> bool:
    return module.split(".")[0] == "piper" or "piper_program" in module.split(".")
