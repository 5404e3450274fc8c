from __future__ import annotations

from pathlib import Path

import pytest

import models
from errors import ModelMissing
from models.store import Presence, presence, wrong_files
from tests.models.conftest import COMPLETE, SMALL_MODEL, WEIGHTS


def _put(models_dir: Path, *names: str) -> Path:
    folder = models_dir / SMALL_MODEL.name
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(COMPLETE[name])
    return folder


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as missing:
        models.path_of("whisper-base", tmp_path)

    assert missing.value.what == f"The model whisper-base (hearing, about 99 languages) is not in {tmp_path}."
    assert missing.value.next_step == "Fetch it with `python bot.py engines fetch whisper-base`."


def test_an_unknown_model_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no model called 'whisper-huge'\. Known models: whisper-base, whisper-tiny\.en, "):
        models.path_of("whisper-huge", tmp_path)


def test_presence_counts_files_of_the_right_size(tmp_path: Path) -> None:
    assert presence(SMALL_MODEL, tmp_path) is Presence.MISSING
    folder = _put(tmp_path, "weights.bin")
    assert presence(SMALL_MODEL, tmp_path) is Presence.PARTIAL
    (folder / "config.json").write_bytes(COMPLETE["config.json"])
    assert presence(SMALL_MODEL, tmp_path) is Presence.HERE
    (folder / "weights.bin").write_bytes(WEIGHTS[:-1])
    assert presence(SMALL_MODEL, tmp_path) is Presence.PARTIAL


def test_a_wrong_byte_is_found(tmp_path: Path) -> None:
    folder = _put(tmp_path, *COMPLETE)
    assert wrong_files(SMALL_MODEL, tmp_path) == []

    (folder / "weights.bin").write_bytes(WEIGHTS[:-1] + b"\0")

    assert [file.name for file in wrong_files(SMALL_MODEL, tmp_path)] == ["weights.bin"]


@pytest.mark.usefixtures("small_catalogue")
def test_path_of_gives_the_folder_with_the_files(tmp_path: Path) -> None:
    folder = _put(tmp_path, *COMPLETE)
    folder.rename(tmp_path / "whisper-base")

    assert models.path_of("whisper-base", tmp_path) == tmp_path / "whisper-base"
