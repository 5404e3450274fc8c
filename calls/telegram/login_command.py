"""``bot.py login``: the login with the person at the terminal."""

from __future__ import annotations

import asyncio

from calls.telegram.login import by_phone_code, log_in
from calls.telegram.qr_login import by_qr_code
from calls.telegram.session_command import settings_for
from calls.telegram.terminal import Terminal
from config import Settings


def log_in_and_tell(session: str | None, *, qr: bool) -> None:
    """Log in, and say how to go on.

    :raises errors.ParleyError: it failed; the text says why.
    """
    settings = settings_for(session)
    name = asyncio.run(log_in(settings, Terminal(), by_qr_code if qr else by_phone_code))
    print(f"✅ Logged in as {name}. The session is kept in {settings.session_file} and gives full access to the account.")
    print(f"   Start Parley with: {_start(settings)}")


def _start(settings: Settings) -> str:
    return f"SESSION_NAME={settings.session_name} scripts/run" if settings.session_name else "scripts/run"
