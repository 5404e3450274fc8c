"""The tests of the services from Python, by themselves: ``python test_voice_system.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    raise SystemExit(pytest.main([str(Path(__file__).parent / "tests" / "voice_services"), *sys.argv[1:]]))
