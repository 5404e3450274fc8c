"""Every way in which an account cannot be had, told in plain words; and the way in which it can."""

from __future__ import annotations

import gc
import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.sessions import SQLiteSession, StringSession

from calls.telegram.client import TelegramAccount, create_client
from calls.telegram.engine import check_library, framework
from calls.telegram.session import LoopbackDc, new_session, write_session
from config import Settings, load_settings
from errors import EXIT_SETTINGS, EXIT_UNAVAILABLE, ParleyError, SessionError, SettingsError
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account


def settings(**values: Any) -> Settings:
    return load_settings(None, **{"api_id": 1, "api_hash": "h" * 32, "telegram_session": None, "telegram_dc": None} | values)


@pytest.fixture
async def telegram() -> AsyncIterator[LoopbackTelegram]:
    TelegramClient._config = None
    async with LoopbackTelegram() as telegram:
        yield telegram


@pytest.fixture
def parley(telegram: LoopbackTelegram) -> Account:
    return telegram.add_account("Parley", username="parley")


async def test_connecting(telegram: LoopbackTelegram, parley: Account, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        account = await TelegramAccount.connect(settings(telegram_session=telegram.session_for(parley)))
    assert (account.id, account.username, account.connected) == (parley.id, "parley", True)
    assert type(account.client) is TelegramClient
    assert "✅ Telethon client started successfully" in caplog.messages
    await account.close()
    await account.close()
    assert not account.connected


@pytest.mark.parametrize("missing", ["api_id", "api_hash"])
async def test_no_application(missing: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SettingsError, match=r"API_ID and API_HASH required\. Get them from my\.telegram\.org/apps"):
        await TelegramAccount.connect(settings(**{missing: None}))
    assert caplog.messages[0].startswith("❌ Failed to initialize Telethon client: API_ID and API_HASH required.")


async def test_no_session(tmp_path: Path) -> None:
    with pytest.raises(
        SessionError, match=r"no Telegram session: .*gone\.session does not exist .*Log in with: python bot\.py login"
    ) as error:
        await TelegramAccount.connect(settings(session_path=tmp_path / "gone.session"))
    assert error.value.exit_code == EXIT_SETTINGS
    assert not (tmp_path / "gone.session").exists()


@pytest.mark.parametrize("text", ["nonsense", "1", "1AAAA", "x" * 350])
async def test_a_text_that_is_no_session(text: str) -> None:
    with pytest.raises(SessionError, match="TELEGRAM_SESSION is not a Telethon string session") as error:
        await TelegramAccount.connect(settings(telegram_session=text))
    assert text not in str(error.value) or len(text) < 3


async def test_a_file_that_is_no_session(tmp_path: Path) -> None:
    (tmp_path / "p.session").write_bytes(b"no database " * 100)
    with pytest.raises(SessionError, match="cannot be read"):
        await TelegramAccount.connect(settings(session_path=tmp_path / "p.session"))


async def test_a_session_that_was_ended(telegram: LoopbackTelegram, parley: Account, caplog: pytest.LogCaptureFixture) -> None:
    session = telegram.session_for(parley)
    telegram.revoke(parley)
    with pytest.raises(SessionError, match=r"Failed to initialize Telethon client: the session was ended, by logging out or from another"):
        await TelegramAccount.connect(settings(telegram_session=session))
    assert any(message.startswith("❌ Failed to initialize Telethon client: the session was ended") for message in caplog.messages)


async def test_a_session_whose_key_telegram_does_not_know(
    telegram: LoopbackTelegram, parley: Account, caplog: pytest.LogCaptureFixture
) -> None:
    gc.collect()
    caplog.clear()
    session = telegram.session_for(parley)
    telegram.forget_keys(parley)
    with pytest.raises(ParleyError, match="Failed to initialize Telethon client"):
        await TelegramAccount.connect(settings(telegram_session=session), timeout_s=4)
    gc.collect()
    assert not [message for message in caplog.messages if "never retrieved" in message]


async def test_no_network_gives_up_in_time_with_one_message(telegram: LoopbackTelegram, parley: Account) -> None:
    session = telegram.session_for(parley)
    await telegram.server.stop()
    with pytest.raises(ParleyError, match=r"Telegram could not be reached within 1\.5 seconds\. Check the internet connection") as error:
        await TelegramAccount.connect(settings(telegram_session=session), timeout_s=1.5)
    assert error.value.exit_code == EXIT_UNAVAILABLE


async def test_a_flood_wait_at_the_start(telegram: LoopbackTelegram, parley: Account) -> None:
    telegram.faults.flood("users.GetUsers", 77)
    with pytest.raises(ParleyError, match="Telegram asks to wait 77 seconds"):
        await TelegramAccount.connect(settings(telegram_session=telegram.session_for(parley)))


async def test_no_secret_is_in_any_text(telegram: LoopbackTelegram, parley: Account, caplog: pytest.LogCaptureFixture) -> None:
    session = telegram.session_for(parley)
    telegram.revoke(parley)
    with caplog.at_level(logging.DEBUG), pytest.raises(SessionError) as error:
        await TelegramAccount.connect(settings(telegram_session=session, api_hash="s3cr3t" * 5))
    assert session not in caplog.text + str(error.value)
    assert "s3cr3t" not in caplog.text + str(error.value)


def test_a_session_file_is_private(tmp_path: Path) -> None:
    kept = settings(session_path=tmp_path / "kept" / "parley")
    write_session(kept.session_file, new_session(kept))
    file = tmp_path / "kept" / "parley.session"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_file_session_meets_the_loopback_telegram(telegram: LoopbackTelegram, parley: Account, tmp_path: Path) -> None:
    ready = StringSession(telegram.session_for(parley))
    spec = telegram.dc_spec(tmp_path / "key.pem")
    kept = settings(session_path=tmp_path / "p.session", telegram_dc=spec)
    session = new_session(kept)
    session.auth_key = ready.auth_key
    write_session(kept.session_file, session)
    account = await TelegramAccount.connect(kept)
    assert account.id == parley.id
    await account.close()


def test_a_key_of_another_address_is_neither_sent_nor_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "real.session"
    session = SQLiteSession(str(path))
    session.set_dc(2, "149.154.167.51", 443)
    from telethon.crypto import AuthKey

    session.auth_key = AuthKey(b"k" * 256)
    session.save()
    session.close()
    (tmp_path / "key.pem").write_text("")
    with pytest.raises(SessionError, match=r"belongs to 149\.154\.167\.51:443, but TELEGRAM_DC says 127\.0\.0\.1:5"):
        create_client(settings(session_path=path, telegram_dc=f"127.0.0.1:5:{tmp_path / 'key.pem'}"))
    again = SQLiteSession(str(path))
    assert (again.server_address, again.port, again.auth_key.key) == ("149.154.167.51", 443, b"k" * 256)
    again.close()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("127.0.0.1:5:/k.pem", LoopbackDc("127.0.0.1", 5, Path("/k.pem"))),
        ("localhost:5:/a:b.pem", LoopbackDc("127.0.0.1", 5, Path("/a:b.pem"))),
        ("[::1]:5:/k.pem", LoopbackDc("::1", 5, Path("/k.pem"))),
    ],
)
def test_where_a_loopback_telegram_is(spec: str, expected: LoopbackDc) -> None:
    assert LoopbackDc.parse(spec) == expected


@pytest.mark.parametrize(
    "spec", ["149.154.167.51:443:/k.pem", "telegram.example:443:/k.pem", "127.0.0.1:x:/k.pem", "127.0.0.1:5", "", "[::1]"]
)
def test_only_loopback_addresses_are_accepted(spec: str) -> None:
    with pytest.raises(SettingsError, match="must be host:port"):
        LoopbackDc.parse(spec)


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"public key .* cannot be read"):
        new_session(settings(session_path=tmp_path / "p.session", telegram_dc="127.0.0.1:5:/gone.pem"))


def test_the_living_call_library_is_installed() -> None:
    check_library()
    assert framework().startswith("py-tgcalls ")


@pytest.mark.parametrize(
    ("installed", "told"), [({"pytgcalls", "py-tgcalls"}, "abandoned package 'pytgcalls' hides"), (set(), "py-tgcalls is not installed")]
)
def test_the_dead_package_is_named(installed: set[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telegram.engine._installed", lambda name: name in installed)
    with pytest.raises(ParleyError, match=told) as error:
        check_library()
    assert "pip install -r requirements.txt" in str(error.value)
