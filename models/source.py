"""What a source of model files promises, how it says that it failed, and how a finished file is taken in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from models.catalogue import Model, ModelFile
from models.store import sha256_of

WHEELS_FOLDER: Final = ".wheels"


class SourceFailed(Exception):
    """A source has not brought a file; the text is one clause for a person, without a full stop."""


class Meter(Protocol):
    """Shows how far a transfer is."""

    def begin(self, label: str, total: int) -> None:
        """A transfer of ``total`` bytes begins, or begins again."""

    def reach(self, done: int) -> None:
        """``done`` bytes of it are here."""

    def end(self) -> None:
        """The transfer is over, well or not; it may never have begun."""


class Source(Protocol):
    """Somewhere model files can be had."""

    async def bring(self, model: Model, wanted: Sequence[ModelFile], folder: Path, meter: Meter) -> None:
        """Put the ``wanted`` files of ``model`` into ``folder``, each checked and complete.

        :raises SourceFailed: at the first file that is not to be had; those before it stay.
        """


def part_of(folder: Path, file: ModelFile) -> Path:
    """Where a file is gathered until it is complete and checked."""
    return folder / f"{file.name}.part"


def adopt(folder: Path, file: ModelFile, origin: str) -> None:
    """Check the gathered file and give it its name; a wrong one is deleted.

    :raises SourceFailed: when its sha256 is not the catalogue's.
    """
    part = part_of(folder, file)
    if sha256_of(part) != file.sha256:
        part.unlink()
        raise SourceFailed(f"{file.name} from {origin} has the wrong sha256 and was deleted")
    part.replace(folder / file.name)


def clear_leftovers(folder: Path) -> None:
    """Remove what the sources gathered on the way."""
    shutil.rmtree(folder / WHEELS_FOLDER, ignore_errors=True)
    for part in folder.glob("*.part"):
        part.unlink()
