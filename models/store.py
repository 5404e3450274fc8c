"""The models on disk: which are here, where their files are, and whether they are what they claim to be."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path

from errors import ModelMissing
from models.catalogue import Model, ModelFile, model_named


class Presence(StrEnum):
    """How much of a model is on disk, judged by the sizes of its files."""

    HERE = "here"
    PARTIAL = "partial"
    MISSING = "missing"


def path_of(name: str, models_dir: Path) -> Path:
    """The folder that holds the files of the model ``name``; only their sizes are looked at.

    :raises ModelMissing: with the command that fetches it.
    """
    model = model_named(name)
    if presence(model, models_dir) is not Presence.HERE:
        raise ModelMissing(
            f"The model {name} ({model.purpose}) is not in {models_dir}.", f"Fetch it with `python bot.py engines fetch {name}`."
        )
    return models_dir / name


def presence(model: Model, models_dir: Path) -> Presence:
    """Whether all, some or none of the model's files are in ``models_dir``."""
    here = [has_file(models_dir / model.name, file) for file in model.files]
    if all(here):
        return Presence.HERE
    return Presence.PARTIAL if any(here) else Presence.MISSING


def has_file(folder: Path, file: ModelFile) -> bool:
    """Whether ``folder`` holds a file of that name and size."""
    try:
        return (folder / file.name).stat().st_size == file.size
    except OSError:
        return False


def wrong_files(model: Model, models_dir: Path) -> list[ModelFile]:
    """The files of the model that are missing or whose sha256 is not the catalogue's. Reads every byte."""
    folder = models_dir / model.name
    return [file for file in model.files if not (has_file(folder, file) and sha256_of(folder / file.name) == file.sha256)]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
