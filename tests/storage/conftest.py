from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new database; it is closed after the test."""
    opened = await Database.open(tmp_path / "parley.db")
    yield opened
    await opened.close()
