from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from audio.stt.choose import choose_speech_to_text
from audio.tts import Voice
from audio.tts.choose import choose_text_to_speech, default_voice
from config import Settings, load_settings
from errors import EngineError, ModelMissing, SettingsError


def settings(**values: Any) -> Settings:
    return load_settings(None, **values)


@pytest.fixture
def espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """espeak-ng is installed, and nothing else is."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "espeak-ng"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.fixture
def no_espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


# ---- hearing


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "whisper base"),
        ({"whisper_model_size": "tiny.en"}, "whisper tiny.en"),
        ({"stt_url": "http://127.0.0.1:8000/v1"}, "whisper-1 at http://127.0.0.1:8000/v1"),
        ({"stt_url": "http://127.0.0.1:8000/v1", "stt_engine": "whisper"}, "whisper base"),
        ({"stt_url": "http://127.0.0.1:8000/v1", "stt_engine": "openai", "stt_model": "large"}, "large at http://127.0.0.1:8000/v1"),
    ],
)
def test_who_hears(values: dict[str, Any], name: str, models_dir: Path) -> None:
    assert choose_speech_to_text(settings(models_dir=models_dir, **values)).name == name


def test_a_service_needs_no_model_on_disk(tmp_path: Path) -> None:
    chosen = choose_speech_to_text(settings(models_dir=tmp_path, stt_url="http://127.0.0.1:8000/v1", stt_api_key=SecretStr("k")))

    assert chosen.name.startswith("whisper-1 at")


def test_without_a_model_hearing_is_not_possible(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="whisper-base"):
        choose_speech_to_text(settings(models_dir=tmp_path))


def test_a_service_without_an_address_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match=r"STT_ENGINE is openai, and STT_URL is not set\. Set STT_URL to the base URL of the service\."):
        choose_speech_to_text(settings(stt_engine="openai"))


# ---- speaking


@pytest.mark.usefixtures("espeak")
@pytest.mark.parametrize(
    ("engine", "name"),
    [("auto", "piper joe-medium"), ("piper", "piper joe-medium"), ("edge", "edge en-GB-RyanNeural"), ("espeak", "espeak-ng")],
)
def test_who_speaks(engine: str, name: str, models_dir: Path, tmp_path: Path) -> None:
    assert choose_text_to_speech(settings(models_dir=models_dir, data_dir=tmp_path, tts_engine=engine)).name == name


@pytest.mark.usefixtures("espeak")
def test_without_a_voice_on_disk_espeak_speaks_if_nobody_else_was_asked_for(tmp_path: Path) -> None:
    assert choose_text_to_speech(settings(models_dir=tmp_path)).name == "espeak-ng"
    assert choose_text_to_speech(settings(models_dir=tmp_path, tts_engine="edge")).name == "edge en-GB-RyanNeural"
    with pytest.raises(ModelMissing, match="piper-joe-medium"):
        choose_text_to_speech(settings(models_dir=tmp_path, tts_engine="piper"))


@pytest.mark.usefixtures("no_espeak")
def test_without_any_voice_the_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="piper-joe-medium"):
        choose_text_to_speech(settings(models_dir=tmp_path))
    with pytest.raises(EngineError, match=r"TTS_ENGINE is espeak, and espeak-ng is not installed\. Install it \(apt install espeak-ng\)"):
        choose_text_to_speech(settings(tts_engine="espeak"))


def test_a_voice_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "en_GB-alan.onnx"
    with pytest.raises(ModelMissing, match=r"PIPER_VOICE is .*en_GB-alan\.onnx, and there is no such file\. Correct it, or leave it out\."):
        choose_text_to_speech(settings(piper_voice=own, tts_engine="piper"))
    own.write_bytes(b"x")

    assert choose_text_to_speech(settings(piper_voice=own)).name == "piper en_GB-alan"


def test_the_settings_say_how_clauses_are_spoken() -> None:
    assert default_voice(settings(edge_tts_rate="-10%", language="de")) == Voice(language="de", rate_percent=-10)
    assert default_voice(settings(language="auto")) == Voice()
