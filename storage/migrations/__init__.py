"""The schema, one numbered SQL file per step. A step that has been released is never changed; a change is a new step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; ``version`` is what ``PRAGMA user_version`` says after it."""

    version: int
    statements: str


@cache
def all_migrations(folder: Path = Path(__file__).parent) -> tuple[Migration, ...]:
    """The steps in order; their files are read once.

    :raises ValueError: their numbers are not 1, 2, 3, ...
    """
    files = sorted(folder.glob("[0-9]*.sql"))
    steps = tuple(Migration(int(path.name.split("_")[0]), path.read_text(encoding="utf-8")) for path in files)
    if [step.version for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError("the migrations are not numbered 1, 2, 3, ...")
    return steps
