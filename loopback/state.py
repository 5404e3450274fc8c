"""The authorisation keys of a loopback Telegram in a file, so that clients' sessions outlive its restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

from errors import SettingsError
from loopback.mtproto.server import MTProtoServer
from loopback.mtproto.session import HOME_DC


def load_keys(path: Path, server: MTProtoServer) -> int:
    """Make the keys of a file known; how many there were. A missing file is an empty one.

    :raises SettingsError: it is not a file of :func:`save_keys`.
    """
    if not path.exists():
        return 0
    try:
        keys = {bytes.fromhex(key): int(account_id) for key, account_id in json.loads(path.read_text())["keys"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise SettingsError(f"{path} does not hold the keys of a loopback Telegram.", "Remove it, or name another file.") from error
    for key, account_id in keys.items():
        server.add_key(key).account_id = account_id
    return len(keys)


def save_keys(path: Path, server: MTProtoServer) -> None:
    """Write the keys of all signed-in sessions, readable by the owner alone."""
    keys = {
        authorisation.key.key.hex(): authorisation.account_id
        for authorisation in server.authorisations.values()
        if authorisation.account_id is not None and authorisation.dc == HOME_DC
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"keys": keys}, file)
    fresh.replace(path)
