from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from audio.tts import Voice
from audio.tts.cache import CachedTextToSpeech
from errors import EngineError
from tests.audio.engines import ScriptedVoice

SOUND = b"\x01\x02" * 3000


async def said(engine: CachedTextToSpeech, text: str, voice: Voice | None = None) -> bytes:
    async with aclosing(engine.synthesize(text, voice or Voice())) as sound:
        return b"".join([piece async for piece in sound])


def files_in(folder: Path) -> int:
    return len(list(folder.iterdir()))


async def test_a_short_clause_is_made_once() -> None:
    voice = ScriptedVoice("v", [SOUND[:2000], SOUND[2000:]])
    cached = CachedTextToSpeech(voice)

    assert [await said(cached, "Sure,") for _ in range(3)] == [SOUND] * 3
    assert len(voice.asked) == 1
    assert cached.name == "v"


async def test_another_text_rate_language_or_voice_is_another_clause() -> None:
    voice = ScriptedVoice("v", [SOUND])
    cached = CachedTextToSpeech(voice)

    for wanted in (Voice(), Voice(rate_percent=10), Voice(language="de"), Voice(name="other")):
        await said(cached, "Sure,", wanted)
    await said(cached, "Sure.")

    assert len(voice.asked) == 5


async def test_long_clauses_are_not_kept() -> None:
    voice = ScriptedVoice("v", [SOUND])
    cached = CachedTextToSpeech(voice)

    await said(cached, "word " * 30)
    await said(cached, "word " * 30)

    assert len(voice.asked) == 2


async def test_the_memory_is_bounded_and_the_clause_used_longest_ago_goes_first() -> None:
    voice = ScriptedVoice("v", [SOUND])
    cached = CachedTextToSpeech(voice, memory_bytes=2 * len(SOUND))
    for text in ("one", "two", "one", "three"):
        await said(cached, text)
    made = len(voice.asked)

    await said(cached, "one")
    assert len(voice.asked) == made
    await said(cached, "two")
    assert len(voice.asked) == made + 1


async def test_fixed_phrases_survive_a_restart_and_nothing_else_is_written(tmp_path: Path) -> None:
    first = CachedTextToSpeech(ScriptedVoice("v", [SOUND]), tmp_path / "clauses", ["Goodbye."])
    await said(first, "Goodbye.")
    await said(first, "My password is ten.")
    await first.close()

    silent = ScriptedVoice("v", [EngineError("not asked")])
    again = CachedTextToSpeech(silent, tmp_path / "clauses", ["Goodbye.", "My password is ten."])

    assert await said(again, "Goodbye.") == SOUND
    assert files_in(tmp_path / "clauses") == 1
    with pytest.raises(EngineError):
        await said(again, "My password is ten.")


async def test_the_disk_is_bounded(tmp_path: Path) -> None:
    texts = [f"phrase {number}" for number in range(5)]
    cached = CachedTextToSpeech(ScriptedVoice("v", [SOUND]), tmp_path, texts, disk_bytes=3 * len(SOUND))

    for text in texts:
        await said(cached, text)

    assert files_in(tmp_path) == 3


async def test_a_folder_that_can_not_be_written_only_costs_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cached = CachedTextToSpeech(ScriptedVoice("v", [SOUND]), tmp_path / "file" / "clauses", ["Goodbye."])

    assert await said(cached, "Goodbye.") == SOUND
    assert await said(cached, "Goodbye.") == SOUND


async def test_a_clause_that_was_cut_or_failed_is_not_kept() -> None:
    voice = ScriptedVoice("v", [SOUND, EngineError("It broke.")])
    cached = CachedTextToSpeech(voice)

    sound = cached.synthesize("Sure,", Voice())
    await anext(sound)
    await sound.aclose()
    with pytest.raises(EngineError, match=r"It broke\."):
        await said(cached, "Sure,")

    assert len(voice.asked) == 2
    assert voice.ended == 2
