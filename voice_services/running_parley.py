"""The Parley that runs for the same user on this machine, over its control socket."""

from __future__ import annotations

from typing import Any

from config import load_settings
from control.client import ControlClient, NotReached
from control.socket_file import socket_path


def ask(method: str, /, **params: Any) -> dict[str, Any]:
    """What a method of the control socket answers; see docs/control-socket.md.

    :raises control.client.NotReached: no Parley runs.
    :raises control.client.Refused: it refuses; the text says why.
    """
    path = socket_path(load_settings())
    if path is None:
        raise NotReached("CONTROL_SOCKET is none: Parley listens nowhere.", "Set it to a path, or leave it out, and start Parley again.")
    with ControlClient(path) as client:
        result: dict[str, Any] = client.request(method, {name: value for name, value in params.items() if value is not None})
    return result
