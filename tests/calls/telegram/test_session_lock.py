"""Two programs never use one session at once, and the second is told who the first is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from telethon.crypto import AuthKey

from calls.telegram.session_lock import SessionLock
from errors import EXIT_SETTINGS, SessionError

KEY, OTHER = AuthKey(bytes(range(256))), AuthKey(bytes(reversed(range(256))))


def test_the_second_is_told_who_holds_the_session(tmp_path: Path) -> None:
    first, second = SessionLock(tmp_path), SessionLock(tmp_path)
    first.take(KEY)
    with pytest.raises(SessionError, match=rf"in use by another Parley: process {os.getpid()}, since \d{{4}}-") as refused:
        second.take(KEY)
    assert refused.value.exit_code == EXIT_SETTINGS
    second.take(OTHER)
    first.release()
    first.release()
    SessionLock(tmp_path).take(KEY)


def test_a_session_without_a_key_is_held_by_nobody(tmp_path: Path) -> None:
    SessionLock(tmp_path).take(None)
    assert list(tmp_path.iterdir()) == []
