"""Keys and sessions that encrypt the sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from OpenSSL import SSL
from pylibsrtp import Policy, Session

_EXPORTER_LABEL: Final = b"EXTRACTOR-dtls_srtp"
_REPLAY_WINDOW_PACKETS: Final = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile: its libsrtp number, and the lengths of its key and salt in bytes."""

    number: int
    key_bytes: int
    salt_bytes: int


PROFILES: Final = {
    b"SRTP_AEAD_AES_128_GCM": Profile(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": Profile(Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}
"""By OpenSSL name, in order of preference."""


class SrtpPair:
    """The two directions of one association."""

    def __init__(self, profile: Profile, write_key: bytes, read_key: bytes) -> None:
        self._outbound = Session(_policy(profile, write_key, Policy.SSRC_ANY_OUTBOUND))
        self._inbound = Session(_policy(profile, read_key, Policy.SSRC_ANY_INBOUND))

    @classmethod
    def of_client(cls, connection: SSL.Connection) -> SrtpPair:
        """Derive from a finished handshake in which we were the client: we write with the client's key (RFC 5764 section 4.2)."""
        profile = PROFILES[connection.get_selected_srtp_profile()]
        keys, salts = profile.key_bytes, profile.salt_bytes
        material = connection.export_keying_material(_EXPORTER_LABEL, 2 * (keys + salts))
        client_key, server_key = material[:keys], material[keys : 2 * keys]
        client_salt, server_salt = material[2 * keys : 2 * keys + salts], material[2 * keys + salts :]
        return cls(profile, client_key + client_salt, server_key + server_salt)

    def protect(self, packet: bytes) -> bytes:
        """Encrypt an RTP packet for the other side."""
        return bytes(self._outbound.protect(packet))

    def unprotect(self, packet: bytes) -> bytes:
        """Decrypt an RTP packet of the other side.

        :raises pylibsrtp.Error: forged, repeated or too old.
        """
        return bytes(self._inbound.unprotect(packet))


def _policy(profile: Profile, key: bytes, direction: int) -> Policy:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.number)
    policy.allow_repeat_tx = True
    policy.window_size = _REPLAY_WINDOW_PACKETS
    return policy
