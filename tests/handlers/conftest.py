from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handlers.desk import Desk
from tests.handlers.desk import desk as opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as one:
        yield one
