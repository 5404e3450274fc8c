"""Reading a database where nothing can be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def uris(path: Path) -> Iterator[str]:
    """How to open it, best first.

    SQLite makes files beside a database even to read it. Where it cannot, the file can be read alone, as long as no
    journal of an unfinished stay lies beside it.
    """
    yield f"{path.absolute().as_uri()}?mode=ro"
    journal = path.with_name(f"{path.name}-wal")
    if not journal.exists() or not journal.stat().st_size:
        yield f"{path.absolute().as_uri()}?mode=ro&immutable=1"
