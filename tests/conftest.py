from __future__ import annotations

import os
from pathlib import Path

import pytest

from audio.stt.decoding import WhisperDecoder
from config import load_settings
from models import path_of
from tests.secret_watch import pytest_runtest_logreport, pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown

__all__ = ["pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]


ONE_AFTER_THE_OTHER = "real engines in real time"
"""Of the tests in this group only one runs at a time, whatever the number of test processes: two would slow each other down."""
IN_THAT_GROUP = ("tests/e2e/test_rehearsal.py", "tests/e2e/test_rehearsals.py")
EACH_BY_ITSELF = "tests/e2e/"
"""The tests of these modules may run in several processes at once; those of every other module share what they have loaded."""
SHARE_A_PREPARATION = ("tests/e2e/test_error_table.py", "tests/e2e/test_browser_call.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first, and several test processes share the work (``scripts/test``)."""
    items.sort(key=lambda item: not item.nodeid.startswith(EACH_BY_ITSELF))
    for item in items:
        module = item.nodeid.partition("::")[0]
        if module in IN_THAT_GROUP:
            item.add_marker(pytest.mark.xdist_group(ONE_AFTER_THE_OTHER))
        elif not module.startswith(EACH_BY_ITSELF) or module in SHARE_A_PREPARATION:
            item.add_marker(pytest.mark.xdist_group(module))


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
