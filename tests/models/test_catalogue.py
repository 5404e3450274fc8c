from __future__ import annotations

import pytest

from models.catalogue import Model, all_models


def test_the_defaults_are_in_the_catalogue() -> None:
    assert set(all_models()) == {"whisper-base", "whisper-tiny.en", "piper-joe-medium", "qwen2.5-coder-0.5b", "smart-turn-v3.2"}


@pytest.mark.parametrize("model", all_models().values(), ids=lambda model: model.name)
def test_every_part_belongs_to_a_package_of_its_model_and_every_package_is_used(model: Model) -> None:
    carriers = {package.name.replace("-", "_") for package in model.packages}

    folders = {part.partition("/")[0] for file in model.files for part in file.parts}

    assert all(any(carrier.startswith(folder) for carrier in carriers) for folder in folders)
    assert all(any(carrier.startswith(folder) for folder in folders) for carrier in carriers)


def test_hub_paths_hold_repository_revision_folder_and_name() -> None:
    voice = all_models()["piper-joe-medium"]

    assert voice.hub.path_of(voice.files[0]) == "rhasspy/piper-voices/resolve/v1.0.0/en/en_US/joe/medium/en_US-joe-medium.onnx"
