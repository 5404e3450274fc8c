"""Which embedded models the settings call for."""

from __future__ import annotations

from typing import Final

from config import Settings
from models.catalogue import Model, model_named

TURN_MODEL: Final = "smart-turn-v3.2"


def needed_models(settings: Settings) -> list[Model]:
    """The models that the engines chosen by ``settings`` use. Without the turn model pauses are judged by words and silence alone."""
    names = [_for_hearing(settings), _for_speaking(settings), _for_thinking(settings), _for_turns(settings)]
    return [model_named(name) for name in names if name]


def _for_turns(settings: Settings) -> str | None:
    return TURN_MODEL if settings.turn_model == "auto" else None


def _for_hearing(settings: Settings) -> str | None:
    return None if settings.stt_engine == "openai" else f"whisper-{settings.whisper_model_size}"


def _for_speaking(settings: Settings) -> str | None:
    return "piper-joe-medium" if settings.tts_engine in ("auto", "piper") and settings.piper_voice is None else None


def _for_thinking(settings: Settings) -> str | None:
    has_key = settings.openai_api_key or settings.anthropic_api_key
    embedded = settings.brain == "embedded" or (settings.brain == "auto" and not has_key)
    return "qwen2.5-coder-0.5b" if embedded and settings.brain_model_path is None else None
