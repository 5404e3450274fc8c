"""The settings, and the file they are in."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import AliasChoices

from config import Settings, load_settings
from doctor.finding import Finding, failure, of_error, ok, warning
from errors import SettingsError

API_HASH_LENGTH: Final = 32
GOING_LIVE: Final = "The README tells how to go live: an api_id and an api_hash in .env, then python bot.py login."


def read(env_file: Path) -> tuple[Settings | None, Finding]:
    """The settings, if they can be used at all, and what is to be said of them."""
    try:
        settings = load_settings(env_file)
    except SettingsError as error:
        return None, of_error(error)
    return settings, _of_file(env_file)


def _of_file(env_file: Path) -> Finding:
    if not env_file.exists():
        return ok(f"There is no {env_file}; the settings are the defaults and the environment.")
    if unknown := [name for name in dotenv_values(env_file) if name.upper() not in setting_names()]:
        return warning(f"{env_file} holds what is no setting: {_listed(unknown)}.", "Correct the names; .env.example lists all settings.")
    if stat.S_IMODE(env_file.stat().st_mode) & 0o077:
        return warning(f"Other users of this machine may read {env_file} and the secrets in it.", f"chmod 600 {env_file}")
    return ok(f"{env_file} is in order.")


def setting_names() -> set[str]:
    """All names that are read, in capitals."""
    names: set[str] = set()
    for name, field in Settings.model_fields.items():
        aliases = field.validation_alias
        names |= {str(choice).upper() for choice in aliases.choices} if isinstance(aliases, AliasChoices) else {name.upper()}
    return names


def _listed(unknown: Iterable[str]) -> str:
    return ", ".join(name + _meant(name) for name in unknown)


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name.upper(), setting_names(), n=1, cutoff=0.75)
    return f" (meant: {close[0]}?)" if close else ""


def application(settings: Settings) -> Finding:
    """The api_id and api_hash."""
    if not settings.has_account:
        return warning("No Telegram account is set: Parley can rehearse, and nothing else.", GOING_LIVE)
    missing = [name for name, value in (("API_ID", settings.api_id), ("API_HASH", settings.api_hash)) if value is None]
    if missing or settings.api_hash is None:
        return failure(f"{' and '.join(missing)} required.", "Get them from my.telegram.org/apps and put them into .env.")
    text = settings.api_hash.get_secret_value()
    if len(text) != API_HASH_LENGTH or not all(digit in "0123456789abcdefABCDEF" for digit in text):
        return warning("API_HASH does not look like one: it has 32 digits, 0 to 9 and a to f.", "Copy it again from my.telegram.org/apps.")
    return ok("API_ID and API_HASH are set.")
