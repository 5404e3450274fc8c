"""Sessions are listed, checked and moved; no way leads to two that are used at once."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.sessions import SQLiteSession, StringSession

from calls.telegram import sessions
from calls.telegram.client import TelegramAccount
from calls.telegram.session import open_session, write_session
from config import Settings, load_settings
from errors import EXIT_SETTINGS, SessionError
from loopback.telegram import LoopbackTelegram
from tests.test_front_door import started, told

SECOND_LOGIN = r"For a second program make a second login: python bot\.py login --session NAME"


@pytest.fixture
async def telegram() -> AsyncIterator[LoopbackTelegram]:
    TelegramClient._config = None
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", "+34600000001")
        yield telegram


@pytest.fixture
def string(telegram: LoopbackTelegram) -> str:
    return telegram.session_for(next(iter(telegram.world.accounts)))


def settings_in(folder: Path, **more: Any) -> Settings:
    own: dict[str, Any] = {"api_id": 1, "api_hash": "0" * 32, "telegram_session": None, "telegram_dc": None}
    return load_settings(None, **(own | {"session_path": folder / "kept" / "parley.session"} | more))


@pytest.fixture
def kept(tmp_path: Path, string: str) -> Settings:
    """Settings whose session file is there and logged in."""
    settings = settings_in(tmp_path)
    write_session(settings.session_file, StringSession(string))
    return settings


def key_of(settings: Settings) -> bytes:
    session = open_session(settings)
    session.close()
    return bytes(session.auth_key.key)


# --- listing and checking -------------------------------------------------------------------------------------
async def test_what_is_kept_is_listed(kept: Settings, tmp_path: Path) -> None:
    write_session(settings_in(tmp_path, session_name="empty").session_file, StringSession())
    (tmp_path / "kept" / "broken.session").write_bytes(b"no database " * 100)
    running = await TelegramAccount.connect(kept)
    broken, empty, parley = sessions.kept_sessions(kept)
    await running.close()
    assert "cannot be read" in broken.trouble
    assert (empty.name, empty.logged_in, empty.chosen, empty.user) == ("empty", False, False, "")
    assert (parley.name, parley.logged_in, parley.chosen, parley.private) == ("parley", True, True, True)
    assert parley.user.startswith("process ")
    assert not sessions.kept_sessions(kept)[2].user


async def test_a_check_says_whose_it_is(kept: Settings, telegram: LoopbackTelegram) -> None:
    assert await sessions.check_session(kept) == "Parley"
    running = await TelegramAccount.connect(kept)
    with pytest.raises(SessionError, match="in use by another Parley"):
        await sessions.check_session(kept)
    await running.close()
    telegram.revoke(next(iter(telegram.world.accounts)))
    with pytest.raises(SessionError, match=r"the session was ended.*Log in with: python bot\.py login"):
        await sessions.check_session(kept)


# --- out of here ----------------------------------------------------------------------------------------------
async def test_a_session_is_moved_out_as_a_string(kept: Settings, string: str, tmp_path: Path) -> None:
    key = key_of(kept)
    text = sessions.export_session(kept)
    assert StringSession(text).auth_key.key == key
    sessions.remove_session(kept)
    assert list(kept.session_file.parent.iterdir()) == []
    account = await TelegramAccount.connect(settings_in(tmp_path, telegram_session=text))
    await account.close()


async def test_a_session_in_use_is_not_exported(kept: Settings) -> None:
    running = await TelegramAccount.connect(kept)
    with pytest.raises(SessionError, match=rf"in use by process \d+.*ended for good\. Stop that program first\. {SECOND_LOGIN}") as refused:
        sessions.export_session(kept)
    assert refused.value.exit_code == EXIT_SETTINGS
    await running.close()


def test_what_cannot_be_exported(tmp_path: Path, string: str) -> None:
    with pytest.raises(SessionError, match="There is no Telegram session"):
        sessions.export_session(settings_in(tmp_path))
    with pytest.raises(SessionError, match="The session is a string already"):
        sessions.export_session(settings_in(tmp_path, telegram_session=string))
    empty = settings_in(tmp_path, session_name="empty")
    write_session(empty.session_file, StringSession())
    with pytest.raises(SessionError, match="Nobody is logged in with this session"):
        sessions.export_session(empty)


# --- into here ------------------------------------------------------------------------------------------------
def test_a_string_is_kept_as_a_private_file(tmp_path: Path, string: str) -> None:
    settings = settings_in(tmp_path)
    sessions.import_session(settings, string)
    assert key_of(settings) == StringSession(string).auth_key.key
    assert stat.S_IMODE(settings.session_file.stat().st_mode) == 0o600


def test_a_file_with_a_string_is_moved(tmp_path: Path, string: str) -> None:
    (tmp_path / "session.txt").write_text(string + "\n", encoding="utf-8")
    settings = settings_in(tmp_path)
    sessions.import_session(settings, tmp_path / "session.txt")
    assert key_of(settings) == StringSession(string).auth_key.key
    assert not (tmp_path / "session.txt").exists()


def telethon_file(path: Path, string: str) -> SQLiteSession:
    """A session file of another program, which has it open."""
    ready = StringSession(string)
    session = SQLiteSession(str(path))
    session.set_dc(ready.dc_id, ready.server_address, ready.port)
    session.auth_key = ready.auth_key
    session.save()
    return session


def test_a_telethon_file_is_moved_not_copied(tmp_path: Path, string: str) -> None:
    telethon_file(tmp_path / "session.session", string).close()
    settings = settings_in(tmp_path)
    sessions.import_session(settings, tmp_path / "session.session")
    assert key_of(settings) == StringSession(string).auth_key.key
    assert not (tmp_path / "session.session").exists()


def test_a_file_that_another_program_has_open_is_refused(tmp_path: Path, string: str, monkeypatch: pytest.MonkeyPatch) -> None:
    telethon_file(tmp_path / "session.session", string).close()
    monkeypatch.setattr(sessions, "users_of", lambda _path: ["python3 (process 4711)"])
    with pytest.raises(SessionError, match=rf"in use by python3 \(process 4711\): .* {SECOND_LOGIN}"):
        sessions.import_session(settings_in(tmp_path), tmp_path / "session.session")
    assert (tmp_path / "session.session").exists()


async def test_a_copy_of_a_session_in_use_is_refused(kept: Settings, tmp_path: Path) -> None:
    running = await TelegramAccount.connect(kept)
    copy = shutil.copy(kept.session_file, tmp_path / "copy.session")
    with pytest.raises(SessionError, match=r"in use by process \d+"):
        sessions.import_session(settings_in(tmp_path, session_name="voicechat"), Path(copy))
    await running.close()


def test_a_login_that_is_kept_here_is_not_kept_twice(kept: Settings, tmp_path: Path, string: str) -> None:
    second = settings_in(tmp_path, session_name="voicechat")
    with pytest.raises(SessionError, match=rf"kept here already, as .*parley\.session\. One login is for one program\. {SECOND_LOGIN}"):
        sessions.import_session(second, string)
    assert not second.session_file.exists()


async def test_a_copied_file_cannot_run_beside_its_original(kept: Settings, tmp_path: Path) -> None:
    """The recipe ``cp session.session session-voicechat.session``."""
    copy = settings_in(tmp_path, session_name="session-voicechat")
    shutil.copy(kept.session_file, copy.session_file)
    running = await TelegramAccount.connect(kept)
    with pytest.raises(SessionError, match=r"in use by another Parley: process \d+.*python bot\.py login"):
        await TelegramAccount.connect(copy)
    await running.close()


def test_what_is_in_its_place_is_kept_or_put_aside(kept: Settings, telegram: LoopbackTelegram) -> None:
    before, other = key_of(kept), telegram.session_for(next(iter(telegram.world.accounts)))
    with pytest.raises(SessionError, match=r"exists already\. Choose another name with --session NAME"):
        sessions.import_session(kept, other)
    assert key_of(kept) == before
    sessions.import_session(kept, other, replace=True)
    assert key_of(kept) == StringSession(other).auth_key.key
    assert kept.session_file.with_name("parley.session.before-import").exists()


def test_what_cannot_be_imported(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(SessionError, match=r"There is no file .*gone"):
        sessions.import_session(settings, tmp_path / "gone")
    with pytest.raises(SessionError, match="is not a Telethon string session"):
        sessions.import_session(settings, "nonsense")
    with pytest.raises(SessionError, match="Nobody is logged in"):
        sessions.import_session(settings, StringSession().save() or " ")
    with sqlite3.connect(tmp_path / "pyrogram.session") as connection:
        connection.execute("CREATE TABLE sessions (dc_id, api_id, auth_key)")
        connection.execute("CREATE TABLE peers (id)")
    connection.close()
    with pytest.raises(SessionError, match=r"no session file of Telethon \(of Pyrogram or Hydrogram, perhaps\)\. Log in anew"):
        sessions.import_session(settings, tmp_path / "pyrogram.session")
    assert not settings.session_file.exists()


# --- the front door -------------------------------------------------------------------------------------------
def test_the_front_door_lists_exports_and_imports(kept: Settings, tmp_path: Path, string: str) -> None:
    environment = {"API_ID": "1", "API_HASH": "0" * 32, "SESSION_PATH": str(kept.session_file)}
    listed = started(tmp_path, "session", "list", **environment)
    assert "parley *" in listed.stdout
    assert "✅ logged in" in listed.stdout
    refused = started(tmp_path, "session", "export", **environment)
    assert refused.returncode == EXIT_SETTINGS
    assert told(refused).strip() == "Nothing was done. To go on, add --yes."
    exported = started(tmp_path, "session", "export", "--yes", "--to", str(tmp_path / "moved.txt"), **environment)
    assert exported.returncode == 0, exported.stderr
    assert "Whoever has this text has the whole account" in exported.stderr
    assert stat.S_IMODE((tmp_path / "moved.txt").stat().st_mode) == 0o600
    assert not kept.session_file.exists()
    imported = started(tmp_path, "session", "import", str(tmp_path / "moved.txt"), "--session", "voicechat", **environment)
    assert imported.returncode == 0, imported.stderr
    assert (kept.session_file.parent / "voicechat.session").exists()
    assert string not in exported.stdout + exported.stderr + imported.stdout + imported.stderr


async def test_the_front_door_checks(kept: Settings, tmp_path: Path) -> None:
    import asyncio

    environment = {"API_ID": "1", "API_HASH": "0" * 32, "SESSION_PATH": str(kept.session_file)}
    checked = await asyncio.to_thread(started, tmp_path, "session", "check", **environment)
    assert checked.stdout == "✅ The session is good: it is logged in as Parley.\n"


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    run = started(tmp_path, "session", "check", "--session", "../etc/passwd")
    assert run.returncode == EXIT_SETTINGS
    assert "SESSION_NAME is '../etc/passwd': it should look like voicechat" in told(run)
