"""``python3 bot.py`` with a Python that lacks the packages: it goes on with the one of ``.venv``, after setting up what is missing."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

SET_UP = "PARLEY_IS_SET_UP"
ROOT = Path(__file__).resolve().parent


def use_own_packages() -> None:
    """Return where the packages are there; else go on as ``scripts/bot`` with the same arguments, which sets them up first."""
    if importlib.util.find_spec("typer") is not None:
        return
    if os.environ.get(SET_UP):
        sys.exit("❌ The packages could not be installed. Remove the folder .venv, then run scripts/run.")
    os.environ[SET_UP] = "1"
    os.execv("/bin/sh", ["sh", str(ROOT / "scripts" / "bot"), *sys.argv[1:]])
