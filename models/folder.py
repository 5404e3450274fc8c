"""Model files from a folder on this machine: a disk that was carried here, another user's cache."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.catalogue import Model, ModelFile
from models.source import Meter, SourceFailed, adopt, part_of


@dataclass(frozen=True)
class LocalFolder:
    """Files in ``path`` itself or in a folder of it that is called like the model."""

    path: Path

    async def bring(self, model: Model, wanted: Sequence[ModelFile], folder: Path, meter: Meter) -> None:
        """Copy the files; see `Source.bring`."""
        for file in wanted:
            found = self._find(model, file)
            meter.begin(f"{file.name} from {self.path}", file.size)
            try:
                await asyncio.to_thread(shutil.copyfile, found, part_of(folder, file))
                meter.reach(file.size)
            finally:
                meter.end()
            await asyncio.to_thread(adopt, folder, file, str(self.path))

    def _find(self, model: Model, file: ModelFile) -> Path:
        for candidate in (self.path / model.name / file.name, self.path / file.name):
            if candidate.is_file():
                return candidate
        raise SourceFailed(f"{self.path} has no {model.name}/{file.name}")
