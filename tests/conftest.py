from __future__ import annotations

import os
from pathlib import Path

import pytest

from audio.stt.decoding import WhisperDecoder
from config import load_settings
from models import path_of
from tests.secret_watch import pytest_runtest_logreport, pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from tests.sharing import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_runtest_logreport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_make_scheduler",
]


os.environ.setdefault("CONTROL_SOCKET", "none")
os.environ.setdefault("HTTP_PORT", "0")
"""No Parley of a test listens where the user's own would; those that are to be controlled are given a place."""


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where ``scripts/test`` has put the models."""
    return load_settings(None).models_dir


@pytest.fixture(scope="session")
def whisper_base(models_dir: Path) -> WhisperDecoder:
    """One loaded Whisper base for all tests that hear."""
    return WhisperDecoder(path_of("whisper-base", models_dir), threads=2)
