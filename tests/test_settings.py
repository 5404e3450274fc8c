from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import EndpointingProfile, Settings, load_settings
from errors import EXIT_SETTINGS, SettingsError
from scripts.write_env_example import ROOT, env_example


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name not in ("PATH", "HOME", "PYTEST_CURRENT_TEST"):
            monkeypatch.delenv(name)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def _complaint(env_file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as wrong:
        load_settings(env_file)
    return str(wrong.value)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings(None)

    assert settings.endpointing is EndpointingProfile.BALANCED
    assert not settings.has_account


def test_all_wrong_values_are_told_at_once_with_name_value_and_what_is_allowed(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("API_ID=abc\nWHISPER_MODEL_SIZE=huge\nVAD_THRESHOLD=3\n")
    monkeypatch.setenv("STT_URL", "ftp://somewhere")

    assert _complaint(env_file).splitlines() == [
        "4 settings are wrong:",
        "  API_ID is 'abc': it should be a valid integer, unable to parse string as an integer.",
        "  WHISPER_MODEL_SIZE is 'huge': it should be 'base' or 'tiny.en'.",
        "  STT_URL is 'ftp://somewhere': it should look like http://127.0.0.1:8000/v1.",
        "  VAD_THRESHOLD is '3': it should be less than 1.",
        " Correct them in .env or in the environment; .env.example explains each.",
    ]


def test_one_wrong_value_is_one_line_and_ends_with_the_exit_code_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINTING", "hasty")

    with pytest.raises(
        SettingsError, match="1 setting is wrong:\n  ENDPOINTING is 'hasty': it should be 'fast', 'balanced' or 'patient'"
    ) as wrong:
        load_settings(None)

    assert wrong.value.exit_code == EXIT_SETTINGS


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_HASH", "TELEGRAM_SESSION", "STT_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "s3cret")

    assert "s3cret" not in repr(load_settings(None))
    with pytest.raises(SettingsError) as wrong:
        load_settings(None, openai_api_key=["s3cret"])
    assert str(wrong.value).splitlines()[1] == "  OPENAI_API_KEY is (hidden): it should be a valid string."


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("API_ID", "17", "api_id"),
        ("apiId", "17", "api_id"),
        ("apiHash", "abc", "api_hash"),
        ("TELETHON_SESSION", "1BQ", "telegram_session"),
        ("SESSION_STRING", "1BQ", "telegram_session"),
        ("STRING_SESSION", "1BQ", "telegram_session"),
        ("STT_SERVICE_URL", "http://127.0.0.1:9/v1", "stt_url"),
        ("WHISPER_LANGUAGE", "ca", "language"),
        ("HF_ENDPOINT", "https://mirror.example", "models_hub_url"),
        ("EDGE_TTS_RATE", "+10%", "edge_tts_rate"),
        ("EDGE_TTS_VOICE", "en-US-GuyNeural", "edge_tts_voice"),
        ("WHISPER_MODEL_SIZE", "tiny.en", "whisper_model_size"),
        ("FFMPEG_PATH", sys.executable, "ffmpeg_path"),
        ("SESSION_PATH", "/home/ann/bot.session", "session_path"),
    ],
)
def test_a_setting_is_read_under_each_of_its_names(name: str, value: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    found = getattr(load_settings(None), field)

    assert str(getattr(found, "get_secret_value", lambda: found)()) == value


def test_the_desktops_language_list_is_not_taken_for_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en_US:en")

    assert load_settings(None).language == "en"


def test_any_part_of_an_account_counts_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_SESSION", "1BQ")

    assert load_settings(None).has_account


def test_the_environment_wins_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("BOT_NAME=Filed\nPERSONA=a pirate\n")
    monkeypatch.setenv("BOT_NAME", "Spoken")

    settings = load_settings(env_file)

    assert (settings.bot_name, settings.persona) == ("Spoken", "a pirate")


def test_an_empty_value_counts_as_not_set(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("API_ID=\nBRAIN=\n")
    monkeypatch.setenv("OPENAI_API_KEY", "")

    settings = load_settings(env_file)

    assert (settings.api_id, settings.brain, settings.openai_api_key) == (None, "auto", None)


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", "~/models")

    assert load_settings(None).models_dir == Path.home() / "models"


@pytest.mark.parametrize("address", ["127.0.0.1:4430:/tmp/key.pem", "localhost:4430:key.pem", "[::1]:4430:key.pem"])
def test_a_loopback_telegram_may_be_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_DC", address)

    assert load_settings(None).telegram_dc == address


@pytest.mark.parametrize("address", ["149.154.167.50:443:key.pem", "127.0.0.1.example.com:443:key.pem", "localhost:443", "0.0.0.0:1:k"])
def test_no_other_address_may_be_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_DC", address)

    assert f"TELEGRAM_DC is {address!r}: it should look like 127.0.0.1:4430:/tmp/key.pem." in _complaint()


@pytest.mark.parametrize(
    ("rate", "allowed"),
    [("fast", "it should look like +10% or -20%"), ("-60%", "it should lie between -50% and +100%"), ("+101%", "it should lie between")],
)
def test_the_speaking_rate_has_limits(rate: str, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_TTS_RATE", rate)

    assert f"EDGE_TTS_RATE is {rate!r}: {allowed}" in _complaint()


def test_a_file_that_is_not_text_is_told(env_file: Path) -> None:
    env_file.write_bytes(b"BOT_NAME=\xff\xfe")

    assert _complaint(env_file) == f"{env_file} is not a text file in UTF-8. Write it anew from .env.example."


def test_the_example_file_is_current() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example(), "run scripts/write_env_example.py"


def test_the_example_file_names_every_setting_and_changes_none(tmp_path: Path) -> None:
    uncommented = tmp_path / ".env"
    text = env_example()
    uncommented.write_text("\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# ")))

    assert text.count("\n#") >= len(Settings.model_fields)
    assert load_settings(uncommented) == load_settings(None)


def test_the_example_file_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    written = subprocess.run(
        [sys.executable, "-c", "from scripts.write_env_example import env_example; print(env_example(), end='')"],
        cwd=ROOT, env={"HOME": str(tmp_path), "API_ID": "5"}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert written.stdout == env_example()


def test_an_override_goes_by_the_name_of_the_field_and_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STT_LANGUAGE", "ca")

    assert load_settings(None, language="es").language == "es"


def test_a_time_zone_that_there_is_none_of_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Mars/Olympus")

    assert "TIME_ZONE is 'Mars/Olympus': it should be the name of a time zone, such as Europe/Madrid." in _complaint()


def test_what_is_kept_and_for_how_long_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSCRIPT_DAYS", "0")
    monkeypatch.setenv("AUDIT_DAYS", "365")
    monkeypatch.setenv("TIME_ZONE", "Europe/Madrid")
    settings = load_settings(None)

    assert (settings.transcript_days, settings.audit_days, settings.time_zone) == (0, 365, "Europe/Madrid")
    monkeypatch.setenv("TRANSCRIPT_DAYS", "-1")
    assert "TRANSCRIPT_DAYS is '-1'" in _complaint()
