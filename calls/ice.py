"""Servers that help a browser and Parley find each other: STUN tells each its outside address, TURN relays where nothing else goes.

On one machine or in one network none is needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from aiortc import RTCIceServer

from config import Settings
from errors import SettingsError

CREDENTIALS_S: Final = 6 * 3600
"""Longer than any call: a relay may ask for them again in the middle of one."""


@dataclass(frozen=True, slots=True)
class IceServers:
    """Addresses as in ``stun:host:port`` and ``turn:host:port``; ``turn_secret`` is what TURN shares with Parley (coturn's
    ``static-auth-secret``), of which every call gets a user and a password of its own."""

    stun: str = ""
    turn: str = ""
    turn_secret: str = ""

    def for_us(self, now: float) -> list[RTCIceServer]:
        """For Parley's end of a call; ``now`` in seconds since the epoch."""
        servers = [RTCIceServer(self.stun)] if self.stun else []
        if self.turn:
            servers.append(RTCIceServer(self.turn, *self._credentials(now)))
        return servers

    def for_page(self, now: float) -> list[dict[str, Any]]:
        """For the browser's end, as ``RTCPeerConnection`` takes them."""
        servers: list[dict[str, Any]] = [{"urls": self.stun}] if self.stun else []
        if self.turn:
            user, password = self._credentials(now)
            servers.append({"urls": self.turn, "username": user, "credential": password})
        return servers

    def _credentials(self, now: float) -> tuple[str, str]:
        user = f"{int(now) + CREDENTIALS_S}:{secrets.token_hex(4)}"
        digest = hmac.new(self.turn_secret.encode(), user.encode(), hashlib.sha1).digest()
        return user, base64.b64encode(digest).decode()


def ice_servers(settings: Settings) -> IceServers:
    """Those of the settings.

    :raises errors.SettingsError: a TURN server without the secret that it shares with Parley.
    """
    if settings.ice_turn and not settings.ice_turn_secret:
        raise SettingsError("ICE_TURN is set, and ICE_TURN_SECRET is not.", "Set it to the secret of the TURN server, or leave both out.")
    secret = settings.ice_turn_secret.get_secret_value() if settings.ice_turn_secret else ""
    return IceServers(settings.ice_stun or "", settings.ice_turn or "", secret)
