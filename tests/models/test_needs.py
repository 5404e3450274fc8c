from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config import load_settings
from models.needs import needed_models

KEY = SecretStr("k")


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ({}, ["whisper-base", "piper-joe-medium", "qwen2.5-coder-0.5b", "smart-turn-v3.2"]),
        ({"whisper_model_size": "tiny.en"}, ["whisper-tiny.en", "piper-joe-medium", "qwen2.5-coder-0.5b", "smart-turn-v3.2"]),
        ({"anthropic_api_key": KEY}, ["whisper-base", "piper-joe-medium", "smart-turn-v3.2"]),
        ({"anthropic_api_key": KEY, "brain": "embedded"}, ["whisper-base", "piper-joe-medium", "qwen2.5-coder-0.5b", "smart-turn-v3.2"]),
        ({"brain_model_path": Path("mine.gguf"), "piper_voice": Path("mine.onnx")}, ["whisper-base", "smart-turn-v3.2"]),
        ({"stt_engine": "openai", "tts_engine": "edge", "openai_api_key": KEY}, ["smart-turn-v3.2"]),
        ({"stt_engine": "openai", "tts_engine": "edge", "openai_api_key": KEY, "turn_model": "none"}, []),
        ({"stt_engine": "whisper", "tts_engine": "espeak", "brain": "openai"}, ["whisper-base", "smart-turn-v3.2"]),
    ],
)
def test_settings_decide_which_models_are_needed(overrides: dict[str, Any], names: list[str]) -> None:
    assert [model.name for model in needed_models(load_settings(None, **overrides))] == names
