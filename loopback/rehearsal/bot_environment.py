"""The environment of the bot in a rehearsal: the user's engines and voices, but an account, a database and logs of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices, SecretStr

from config import Settings

OWN: Final = frozenset(
    {"api_id", "api_hash", "telegram_session", "session_path", "telegram_dc", "data_dir", "event_log", "control_socket", "http_port"}
)
"""Settings that a rehearsal sets by itself; the user's values for them never reach the bot."""


def bot_environment(settings: Settings, telegram_session: str, folder: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment variables for a bot that lives in ``folder``: ``base`` without any setting, plus ``settings`` without :data:`OWN`."""
    names = {alias.upper() for field in Settings.model_fields for alias in _aliases(field)}
    environment = {name: value for name, value in base.items() if name.upper() not in names}
    environment |= {
        name.upper(): _plain(getattr(settings, name)) for name in sorted(settings.model_fields_set - OWN) if _is_set(settings, name)
    }
    return environment | {
        "API_ID": "1",
        "API_HASH": "0" * 32,
        "TELEGRAM_SESSION": telegram_session,
        "SESSION_PATH": str(folder / "unused.session"),
        "DATA_DIR": str(folder / "data"),
        "EVENT_LOG": str(event_log_of(folder)),
        "CONTROL_SOCKET": "none",
        "HTTP_PORT": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def event_log_of(folder: Path) -> Path:
    """Where the bot that lives in ``folder`` appends its events."""
    return folder / "events.jsonl"


def _aliases(field: str) -> list[str]:
    alias = Settings.model_fields[field].validation_alias
    return [field, *(str(choice) for choice in alias.choices)] if isinstance(alias, AliasChoices) else [field]


def _is_set(settings: Settings, name: str) -> bool:
    return getattr(settings, name) is not None


def _plain(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.absolute())
    return str(value.value if isinstance(value, Enum) else value)
