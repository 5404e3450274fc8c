"""Logging in against a loopback Telegram: the code, wrong codes, two-step verification, and the session that is kept."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from telethon import TelegramClient

from calls.telegram.client import TelegramAccount
from calls.telegram.login import log_in
from config import Settings, load_settings
from errors import ParleyError
from loopback.telegram import LoopbackTelegram


@pytest.fixture(autouse=True)
def _no_data_centres_remembered() -> None:
    TelegramClient._config = None


def answers(*given: str) -> Callable[[str], str]:
    left: Iterator[str] = iter(given)
    return lambda _question: next(left)


def settings_for(telegram: LoopbackTelegram, folder: Path) -> Settings:
    return load_settings(
        None, api_id=1, api_hash="0" * 32, session_path=folder / "parley.session", telegram_dc=telegram.dc_spec(folder / "key.pem")
    )


async def test_the_code_logs_in_and_the_session_is_kept_private(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", "+34600000001", login_code="24680")
        settings = settings_for(telegram, tmp_path)
        name = await log_in(settings, answers("+34600000001", "24680"), answers())
        assert name == "Parley"
        assert stat.S_IMODE(settings.session_path.stat().st_mode) == 0o600
        account = await TelegramAccount.connect(settings)
        assert account.connected
        await account.close()


async def test_a_wrong_code_is_asked_for_again(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", "+34600000001", login_code="24680")
        assert await log_in(settings_for(telegram, tmp_path), answers("+34600000001", "11111", "24680"), answers()) == "Parley"


async def test_three_wrong_codes_end_it(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", "+34600000001", login_code="24680")
        with pytest.raises(ParleyError, match="The code was wrong three times"):
            await log_in(settings_for(telegram, tmp_path), answers("+34600000001", "1", "2", "3"), answers())


async def test_two_step_verification_asks_for_the_password_until_it_is_right(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", "+34600000001", login_code="24680", password="correct horse")
        settings = settings_for(telegram, tmp_path)
        assert await log_in(settings, answers("+34600000001", "24680"), answers("wrong", "correct horse")) == "Parley"


async def test_an_unknown_number_is_told_in_plain_words(tmp_path: Path) -> None:
    async with LoopbackTelegram() as telegram:
        with pytest.raises(ParleyError, match="The login failed"):
            await log_in(settings_for(telegram, tmp_path), answers("not a number"), answers())
