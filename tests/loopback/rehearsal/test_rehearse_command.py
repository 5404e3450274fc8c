from pathlib import Path

import pytest

from errors import EXIT_SETTINGS, EXIT_UNAVAILABLE, EXIT_USAGE
from loopback.rehearsal.command import rehearse


def test_a_script_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse(tmp_path / "gone.yaml") == EXIT_USAGE
    assert capsys.readouterr().err.startswith("❌ The script ")


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDPOINTING", "sluggish")
    assert rehearse() == EXIT_SETTINGS
    assert "ENDPOINTING" in capsys.readouterr().err


def test_a_report_that_has_no_place_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    assert rehearse(report=tmp_path / "taken") == EXIT_UNAVAILABLE
    assert "can't be written to" in capsys.readouterr().err


def test_missing_models_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("TTS_ENGINE", "piper")
    assert rehearse() == EXIT_UNAVAILABLE
    error = capsys.readouterr().err
    assert error.startswith("❌ ")
    assert "engines fetch" in error
