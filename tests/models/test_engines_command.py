from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from errors import ModelMissing
from models.command import app
from tests.models.conftest import COMPLETE, WEIGHTS


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "models"


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    folder = tmp_path / "carried"
    folder.mkdir()
    for name, content in COMPLETE.items():
        (folder / name).write_bytes(content)
    return folder


def engines(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def row_of(name: str, output: str) -> list[str]:
    return next(line for line in output.splitlines() if line.lstrip().startswith(name)).split()


def test_the_list_tells_purpose_licence_size_and_state(models_dir: Path) -> None:
    output = engines().output

    assert row_of("whisper-base", output)[1:] == ["*", "hearing,", "about", "99", "languages", "MIT", "148", "MB", "❌", "missing"]
    assert "*" not in row_of("whisper-tiny.en", output)
    assert f"Models are kept in {models_dir}." in output
    assert "Silero VAD" in output
    assert "Fetch what is needed with `python bot.py engines fetch`." in output


@pytest.mark.usefixtures("small_catalogue")
def test_what_the_settings_need_is_fetched_and_then_listed_as_here(
    carried: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN", "openai")
    monkeypatch.setenv("TTS_ENGINE", "edge")
    monkeypatch.setenv("TURN_MODEL", "none")

    fetched = engines("fetch", "--all-needed", "--from", str(carried))

    assert fetched.exit_code == 0, fetched.output
    assert "weights.bin from" in fetched.output
    assert fetched.output.splitlines()[-1] == "Ready: whisper-base."
    assert (models_dir / "whisper-base" / "weights.bin").read_bytes() == WEIGHTS
    listed = engines().output
    assert row_of("whisper-base", listed)[-2:] == ["✅", "here"]
    assert "Everything the settings need is here." in listed


@pytest.mark.usefixtures("small_catalogue")
def test_verify_finds_damage_and_a_fetch_by_name_repairs_it(carried: Path, models_dir: Path) -> None:
    engines("fetch", "whisper-base", "--from", str(carried))
    assert engines("verify").output == "whisper-base: every sha256 is right\n"
    (models_dir / "whisper-base" / "weights.bin").write_bytes(bytes(len(WEIGHTS)))

    damaged = engines("verify")

    assert damaged.output == "whisper-base: wrong or missing: weights.bin\n"
    assert isinstance(damaged.exception, ModelMissing)
    assert damaged.exception.next_step == "Fetch anew with `python bot.py engines fetch whisper-base`."
    assert engines("fetch", "whisper-base", "--from", str(carried)).exit_code == 0
    assert engines("verify", "whisper-base").exit_code == 0


def test_an_unknown_name_is_an_error() -> None:
    assert isinstance(engines("fetch", "whisper-huge").exception, ModelMissing)


def test_a_folder_that_is_not_there_is_a_usage_error() -> None:
    result = engines("fetch", "--from", "/no/such/folder")

    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_settings_that_need_nothing_fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BRAIN": "openai", "TTS_ENGINE": "edge", "STT_ENGINE": "openai", "TURN_MODEL": "none"}.items():
        monkeypatch.setenv(name, value)

    assert engines("fetch").output == "Ready: these settings need no embedded model.\n"
