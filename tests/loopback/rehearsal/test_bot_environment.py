from pathlib import Path

import pytest

from config import load_settings
from loopback.rehearsal.bot_environment import bot_environment, event_log_of

USER = {
    "PATH": "/bin", "HOME": "/home/ann", "TELEGRAM_SESSION": "users own", "STRING_SESSION": "users own", "apiId": "777",
    "API_HASH": "users own",
    "TELEGRAM_DC": "127.0.0.1:1:x.pem", "DATA_DIR": "/home/ann/data", "BOT_NAME": "Jarvis", "ENDPOINTING": "fast", "OPENAI_API_KEY": "sk-1",
    "MODELS_DIR": "models", "WHISPER_THREADS": "1", "CONTROL_SOCKET": "/home/ann/parley.sock",
}  # fmt: skip


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    return bot_environment(load_settings(env_file=None), "loopback session", tmp_path, USER)


def test_the_users_account_never_reaches_the_bot(environment: dict[str, str], tmp_path: Path) -> None:
    assert "users own" not in environment.values()
    assert "777" not in environment.values()
    assert "TELEGRAM_DC" not in environment
    assert environment["TELEGRAM_SESSION"] == "loopback session"
    assert environment["API_ID"] == "1"
    assert environment["DATA_DIR"] == str(tmp_path / "data")
    assert environment["EVENT_LOG"] == str(event_log_of(tmp_path))
    assert environment["CONTROL_SOCKET"] == "none"


def test_the_users_engines_and_manners_do(environment: dict[str, str]) -> None:
    assert (environment["BOT_NAME"], environment["ENDPOINTING"], environment["WHISPER_THREADS"]) == ("Jarvis", "fast", "1")
    assert environment["OPENAI_API_KEY"] == "sk-1"
    assert environment["MODELS_DIR"] == str(Path("models").absolute())
    assert environment["HOME"] == "/home/ann"


def test_the_bot_reads_the_same_settings_from_it(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in USER:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=None)
    assert settings.telegram_session is not None
    assert settings.telegram_session.get_secret_value() == "loopback session"
    assert settings.bot_name == "Jarvis"
