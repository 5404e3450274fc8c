"""Logging in against a loopback Telegram: codes, QR codes, two-step verification, wrong answers, and the session that is kept."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient

from calls.telegram.client import TelegramAccount
from calls.telegram.login import by_phone_code, log_in
from calls.telegram.qr_login import HOW_TO, by_qr_code, drawn
from calls.telegram.session import open_session
from config import Settings, load_settings
from errors import EXIT_SETTINGS, ParleyError, SessionError
from loopback.telegram import LoopbackTelegram
from redaction import redacted
from tests.calls.telegram.a_person import APerson

PHONE, CODE, PASSWORD = "+34600000001", "24680", "correct horse"


@pytest.fixture
async def telegram() -> AsyncIterator[LoopbackTelegram]:
    TelegramClient._config = None
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", PHONE, login_code=CODE)
        yield telegram
    assert telegram.problems() == []


@pytest.fixture
def settings(telegram: LoopbackTelegram, tmp_path: Path) -> Settings:
    return settings_for(telegram, tmp_path)


def settings_for(telegram: LoopbackTelegram, folder: Path, **more: Any) -> Settings:
    own: dict[str, Any] = {"api_id": 1, "api_hash": "0" * 32, "session_path": folder / "kept" / "parley.session", "telegram_session": None}
    return load_settings(None, **(own | {"telegram_dc": telegram.dc_spec(folder / "key.pem")} | more))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def logged_in_as(settings: Settings) -> str | None:
    account = await TelegramAccount.connect(settings)
    try:
        return str((await account.client.get_me()).first_name)
    finally:
        await account.close()


def the_account(telegram: LoopbackTelegram) -> Any:
    return next(iter(telegram.world.accounts))


# --- the code -------------------------------------------------------------------------------------------------
async def test_the_code_logs_in_and_the_session_is_kept_private(settings: Settings) -> None:
    person = APerson(PHONE, CODE)
    assert await log_in(settings, person) == "Parley"
    assert mode_of(settings.session_file) == 0o600
    assert mode_of(settings.session_file.parent) == 0o700
    assert person.told == ["Telegram has sent a code to your other devices, in the chat named Telegram."]
    assert await logged_in_as(settings) == "Parley"


async def test_nothing_is_on_disk_before_the_login_has_succeeded(settings: Settings) -> None:
    with pytest.raises(ParleyError):
        await log_in(settings, APerson(PHONE, "1", "2", "3"))
    assert not settings.session_file.parent.exists()


async def test_no_moment_passes_in_which_others_could_read_the_session(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    from telethon.sessions import SQLiteSession

    save = SQLiteSession.save

    def watched(session: SQLiteSession) -> None:
        seen.extend(mode_of(file) for file in settings.session_file.parent.iterdir())
        save(session)

    monkeypatch.setattr(SQLiteSession, "save", watched)
    await log_in(settings, APerson(PHONE, CODE))
    assert seen
    assert set(seen) == {0o600}


async def test_a_wrong_code_is_told_and_asked_for_again(settings: Settings) -> None:
    person = APerson(PHONE, "11111", "", CODE)
    assert await log_in(settings, person) == "Parley"
    assert person.told[1:] == ["That code is wrong. You have 2 more tries.", "That code is wrong. You have 1 more try."]


async def test_three_wrong_codes_end_it(settings: Settings) -> None:
    with pytest.raises(ParleyError, match=r"The code was wrong three times\. Run `python bot.py login` again\. You will get a new one"):
        await log_in(settings, APerson(PHONE, "1", "2", "3"))


async def test_for_an_expired_code_a_new_one_is_sent(telegram: LoopbackTelegram, settings: Settings) -> None:
    telegram.faults.fail("auth.SignIn", 400, "PHONE_CODE_EXPIRED")
    person = APerson(PHONE, CODE, CODE)
    assert await log_in(settings, person) == "Parley"
    assert "That code has expired; here comes another one." in person.told
    assert len(telegram.seen("auth.SendCode")) == 2


async def test_an_unknown_number_is_told_and_asked_for_again(settings: Settings) -> None:
    person = APerson("not a number", "+34999", PHONE, CODE)
    assert await log_in(settings, person) == "Parley"
    assert person.told[0] == "Telegram knows no such number. You have 2 more tries."


async def test_three_unknown_numbers_end_it(settings: Settings) -> None:
    with pytest.raises(ParleyError, match=r"The login failed: that is no phone number of an account\. Give it with the country code"):
        await log_in(settings, APerson("1", "2", "3"))


# --- the password ---------------------------------------------------------------------------------------------
async def test_the_password_is_asked_for_unseen_until_it_is_right(telegram: LoopbackTelegram, settings: Settings) -> None:
    the_account(telegram).password = PASSWORD
    person = APerson(PHONE, CODE, "zebra crossing", "", PASSWORD)
    assert await log_in(settings, person) == "Parley"
    assert person.told[1:] == ["That password is wrong. You have 2 more tries.", "That password is wrong. You have 1 more try."]
    assert len(person.secretly) == 3
    assert await logged_in_as(settings) == "Parley"


async def test_three_wrong_passwords_end_it(telegram: LoopbackTelegram, settings: Settings) -> None:
    the_account(telegram).password = PASSWORD
    with pytest.raises(ParleyError, match="The password was wrong three times"):
        await log_in(settings, APerson(PHONE, CODE, "a", "b", "c"))
    assert not settings.session_file.exists()


# --- the QR code ----------------------------------------------------------------------------------------------
class Phone:
    """Scans each code that is drawn from the ``first``-th on, as soon as the program waits for it."""

    def __init__(self, telegram: LoopbackTelegram, first: int = 1) -> None:
        self._telegram = telegram
        self._first = first
        self._seen = 0
        self._scans: set[asyncio.Task[None]] = set()

    def __call__(self, text: str) -> None:
        urls = self._telegram.world.login_tokens.shown
        if not urls or text != drawn(urls[-1]):
            return
        self._seen += 1
        if self._seen >= self._first:
            self._scans.add(asyncio.create_task(self._scan(urls[-1])))

    async def _scan(self, url: str) -> None:
        await asyncio.sleep(0.1)
        self._telegram.scan_login_code(the_account(self._telegram), url)


async def test_a_scanned_code_logs_in(telegram: LoopbackTelegram, settings: Settings) -> None:
    person = APerson(shown=Phone(telegram))
    assert await log_in(settings, person, by_qr_code) == "Parley"
    assert person.told[0] == HOW_TO
    assert person.asked == []
    assert await logged_in_as(settings) == "Parley"


async def test_an_expired_code_is_drawn_anew(telegram: LoopbackTelegram, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telegram.qr_login._left_s", lambda _code: 0.4)
    person = APerson(shown=Phone(telegram, first=2))
    assert await log_in(settings, person, by_qr_code) == "Parley"
    assert "That code has expired." in person.told
    assert person.told[1] != person.told[4]


async def test_a_scan_whose_update_was_lost_counts(telegram: LoopbackTelegram, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telegram.qr_login._left_s", lambda _code: 0.4)
    monkeypatch.setattr(telegram.server, "sessions_of", lambda _authorisation: [])
    assert await log_in(settings, APerson(shown=Phone(telegram)), by_qr_code) == "Parley"


async def test_a_code_nobody_scans_ends_it(telegram: LoopbackTelegram, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telegram.qr_login._left_s", lambda _code: 0.01)
    with pytest.raises(ParleyError, match=r"The code was not scanned\. Run `python bot.py login --qr` again"):
        await log_in(settings, APerson(), by_qr_code)
    assert not settings.session_file.exists()


async def test_the_qr_code_may_be_followed_by_the_password(telegram: LoopbackTelegram, settings: Settings) -> None:
    the_account(telegram).password = PASSWORD
    person = APerson("zebra crossing", PASSWORD, shown=Phone(telegram))
    assert await log_in(settings, person, by_qr_code) == "Parley"
    assert "That password is wrong. You have 2 more tries." in person.told


async def test_the_login_may_be_sent_on_to_another_data_centre(telegram: LoopbackTelegram, settings: Settings) -> None:
    telegram.settings.login_dc = 4
    assert await log_in(settings, APerson(shown=Phone(telegram)), by_qr_code) == "Parley"
    session = open_session(settings)
    assert session.dc_id == 4
    session.close()
    assert await logged_in_as(settings) == "Parley"


# --- sessions that are there already --------------------------------------------------------------------------
async def test_a_session_that_is_good_stays(telegram: LoopbackTelegram, settings: Settings) -> None:
    await log_in(settings, APerson(PHONE, CODE))
    assert await log_in(settings, APerson()) == "Parley"
    assert len(telegram.seen("auth.SignIn")) == 1
    assert await logged_in_as(settings) == "Parley"


@pytest.mark.parametrize("trouble", ["revoke", "forget_keys"])
async def test_a_session_that_was_ended_is_replaced(telegram: LoopbackTelegram, settings: Settings, trouble: str) -> None:
    await log_in(settings, APerson(PHONE, CODE))
    getattr(telegram, trouble)(the_account(telegram))
    assert await log_in(settings, APerson(PHONE, CODE)) == "Parley"
    assert await logged_in_as(settings) == "Parley"


async def test_a_session_in_use_is_refused_and_a_second_login_is_the_way(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    first = settings_for(telegram, tmp_path)
    await log_in(first, APerson(PHONE, CODE))
    running = await TelegramAccount.connect(first)
    with pytest.raises(
        SessionError, match=r"in use by another Parley: process \d+, since .*python bot\.py login --session NAME"
    ) as refused:
        await log_in(first, APerson(PHONE, CODE))
    assert refused.value.exit_code == EXIT_SETTINGS
    second = settings_for(telegram, tmp_path, session_name="second")
    assert await log_in(second, APerson(PHONE, CODE)) == "Parley"
    assert second.session_file == tmp_path / "kept" / "second.session"
    other = await TelegramAccount.connect(second)
    assert running.connected
    assert other.connected
    await running.close()
    await other.close()


async def test_a_string_session_needs_no_login(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    settings = settings_for(telegram, tmp_path, telegram_session=telegram.session_for(the_account(telegram)))
    with pytest.raises(SessionError, match="TELEGRAM_SESSION is set, so no login is needed"):
        await log_in(settings, APerson())


# --- refusals -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("API_ID_INVALID", r"API_ID and API_HASH do not belong together\. Copy both again"),
        ("API_ID_PUBLISHED_FLOOD", r"this API_ID is used by too many people\. Make one of your own"),
        ("PHONE_NUMBER_BANNED", r"Telegram has banned this number\. Use another account"),
        ("PHONE_NUMBER_FLOOD", r"too many logins with this number\. Try again tomorrow"),
        ("PHONE_NUMBER_UNOCCUPIED", r"this number has no Telegram account\. Make the account with a Telegram app first"),
        ("PHONE_PASSWORD_FLOOD", r"too many wrong passwords\. Try again tomorrow"),
        ("SEND_CODE_UNAVAILABLE", r"no way left to send a code to this number\. Log in with: python bot\.py login --qr"),
        ("UPDATE_APP_TO_LOGIN", r"Telegram lets nobody log in with so old a program\. Update Parley"),
        ("SMS_CODE_CREATE_FAILED", r"Telegram says: An error occurred while creating the SMS code\. Check the number"),
    ],
)
async def test_what_telegram_refuses_is_told_in_plain_words(telegram: LoopbackTelegram, settings: Settings, error: str, told: str) -> None:
    telegram.faults.fail("auth.SendCode", 400, error)
    with pytest.raises(SessionError, match=f"The login failed: .*{told}"):
        await log_in(settings, APerson(PHONE))


async def test_a_flood_is_told_with_its_seconds(telegram: LoopbackTelegram, settings: Settings) -> None:
    telegram.faults.flood("auth.SendCode", 60)
    with pytest.raises(SessionError, match=r"Telegram wants no more logins for now\. Try again in (5\d|60) seconds"):
        await log_in(settings, APerson(PHONE))


async def test_an_unreachable_telegram_is_told(telegram: LoopbackTelegram, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telegram.login.CONNECT_TIMEOUT_S", 0.5)
    await telegram.server.stop()
    with pytest.raises(ParleyError, match=r"The login failed: Telegram could not be reached"):
        await log_in(settings, APerson(PHONE))


async def test_what_was_typed_stands_in_no_log_afterwards(telegram: LoopbackTelegram, settings: Settings) -> None:
    the_account(telegram).password = PASSWORD
    await log_in(settings, APerson(PHONE, CODE, PASSWORD), by_phone_code)
    text = redacted(f"phone {PHONE}, code {CODE}, password {PASSWORD}, hash {'0' * 32}")
    assert not [secret for secret in (PHONE, CODE, PASSWORD, "0" * 32) if secret in text]
