"""Ports for servers whose port has to be known before they begin."""

from __future__ import annotations

import random
import socket
from typing import Final

BELOW_THOSE_OF_THE_SYSTEM: Final = range(10_000, 32_000)
"""What the system gives to whoever asks for any port lies above: nobody else gets one of these between two starts of a server."""


def free_port(host: str = "127.0.0.1") -> int:
    """One that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(BELOW_THOSE_OF_THE_SYSTEM)
        try:
            socket.create_server((host, port)).close()
        except OSError:
            continue
        return port
