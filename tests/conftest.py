from __future__ import annotations

from pathlib import Path

import pytest

from audio.stt.decoding import WhisperDecoder
from config import load_settings
from models import path_of


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where ``scripts/test`` has put the models."""
    return load_settings(None).models_dir


@pytest.fixture(scope="session")
def whisper_base(models_dir: Path) -> WhisperDecoder:
    """One loaded Whisper base for all tests that hear."""
    return WhisperDecoder(path_of("whisper-base", models_dir), threads=2)
