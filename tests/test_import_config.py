"""The JSON configuration of the telegram-userbot channel becomes a .env; nothing is overwritten, leaked or silently dropped."""

from __future__ import annotations

import copy
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from config import load_settings
from errors import EXIT_SETTINGS, ParleyError
from import_config import import_file
from tests.test_front_door import started, told

HASH = "fedcba9876543210fedcba9876543210"
EXAMPLE: dict[str, Any] = {
    "channels": {
        "telegram-userbot": {
            "apiId": 123456,
            "apiHash": HASH,
            "stt": {"whisperPath": "~/whisper.cpp/build/bin/whisper-cli", "modelPath": "~/whisper.cpp/models/ggml-small.bin", "threads": 4},
            "tts": {
                "piperPath": "~/piper/piper/piper",
                "voicesDir": "~/piper/voices",
                "voicePath": "~/piper/voices/ca_ES-upc_pau-x_low.onnx",
                "lengthScale": 0.7,
            },
            "calls": {"autoAnswer": True, "autoAnswerDelay": 1000},
        }
    }
}


def written(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    tree = copy.deepcopy(EXAMPLE)
    tree["channels"]["telegram-userbot"].update(changes or {})
    path = folder / "clawdbot.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_ID", "API_HASH", "PIPER_VOICE", "STT_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)


def test_the_whole_example_becomes_settings(tmp_path: Path) -> None:
    lines = import_file(written(tmp_path), tmp_path / ".env")
    settings = load_settings(tmp_path / ".env")
    assert (settings.api_id, settings.api_hash and settings.api_hash.get_secret_value()) == (123456, HASH)
    assert settings.whisper_threads == 4
    assert settings.piper_voice == Path("~/piper/voices/ca_ES-upc_pau-x_low.onnx").expanduser()
    assert settings.edge_tts_rate == "+43%"
    assert settings.language == "ca"
    assert (settings.auto_answer, settings.auto_answer_delay_ms) == (True, 1000)
    text = "\n".join(lines)
    for key in ("stt.whisperPath", "stt.modelPath", "tts.piperPath", "tts.voicesDir", "AUTO_ANSWER_FROM", "bot.py login"):
        assert key in text
    assert HASH not in text


def test_the_file_is_private(tmp_path: Path) -> None:
    import_file(written(tmp_path), tmp_path / ".env")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == [".env", "clawdbot.json"]


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("API_ID=7\n", encoding="utf-8")
    with pytest.raises(ParleyError, match=r"\.env exists already; nothing was changed\. With --force it is put aside") as refused:
        import_file(written(tmp_path), env)
    assert refused.value.exit_code == EXIT_SETTINGS
    assert env.read_text(encoding="utf-8") == "API_ID=7\n"
    lines = import_file(written(tmp_path), env, replace=True)
    assert load_settings(env).api_id == 123456
    assert (tmp_path / ".env.before-import").read_text(encoding="utf-8") == "API_ID=7\n"
    assert any(".env.before-import" in line for line in lines)


def test_unknown_keys_are_named_with_their_place(tmp_path: Path) -> None:
    changes = {"botToken": "x", "stt": {"threads": 2, "modelPth": "typo"}, "proxy": {"host": "h"}}
    lines = import_file(written(tmp_path, changes), tmp_path / ".env")
    assert "⚠️ Not known here, and left out: stt.modelPth, botToken, proxy." in lines


def test_a_wrong_value_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"API_ID is 'abc'"):
        import_file(written(tmp_path, {"apiId": "abc"}), tmp_path / ".env")
    with pytest.raises(ParleyError, match=r"tts\.lengthScale is 0: it should be a number such as 0\.7"):
        import_file(written(tmp_path, {"tts": {"lengthScale": 0}}), tmp_path / ".env")
    assert not (tmp_path / ".env").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["clawdbot.json"]


@pytest.mark.parametrize("value", ['it\'s # a "value" \\ with $everything', " padded ", "", "ünï"])
def test_any_text_survives(tmp_path: Path, value: str) -> None:
    import_file(written(tmp_path, {"apiHash": value}), tmp_path / ".env")
    settings = load_settings(tmp_path / ".env")
    assert (settings.api_hash.get_secret_value() if settings.api_hash else "") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, r"cannot be read \(No such file"),
        ("{", "is not JSON"),
        ("[]", r"has no channels\.telegram-userbot"),
        ('{"channels": {"telegram-userbot": 3}}', r"has no channels\.telegram-userbot"),
        ("\xff\xfe", "is not JSON"),
    ],
)
def test_files_that_cannot_be_imported(tmp_path: Path, text: str | None, reason: str) -> None:
    source = tmp_path / "clawdbot.json"
    if text is not None:
        source.write_bytes(text.encode("latin-1"))
    with pytest.raises(ParleyError, match=reason):
        import_file(source, tmp_path / ".env")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"cannot be written \(No such file"):
        import_file(written(tmp_path), tmp_path / "gone" / ".env")


def test_the_front_door_imports(tmp_path: Path) -> None:
    run = started(tmp_path, "import-config", str(written(tmp_path)))
    assert run.returncode == 0
    assert ".env is written (mode 0600): API_ID=123456, API_HASH, WHISPER_THREADS=4" in run.stdout
    assert HASH not in run.stdout + run.stderr
    again = started(tmp_path, "import-config", str(tmp_path / "clawdbot.json"))
    assert again.returncode == EXIT_SETTINGS
    assert "exists already" in told(again)
