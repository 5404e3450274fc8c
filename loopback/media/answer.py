"""The media server's side of the join handshake: the JSON of ``updateGroupCallConnection``.

Shaped after recorded answers of the real service: every number of a candidate is a string, an IPv6 candidate comes first, then
the IPv4 one on the same port; Opus is 111 with transport-cc feedback next to telephone-event 126; the header extensions are
1 audio level, 2 absolute send time, 3 transport-wide sequence number. The IPv6 candidate here leads nowhere.
"""

from __future__ import annotations

import secrets
import string
from typing import Any, Final

OPUS_PAYLOAD_TYPE: Final = 111
AUDIO_LEVEL_EXTENSION: Final = 1
UNREACHABLE_IPV6: Final = "::1"
"""Nothing listens there, and nothing sent to it leaves the machine."""

_ALPHABET: Final = string.ascii_lowercase + string.digits
_EXTENSION_URIS: Final = {
    AUDIO_LEVEL_EXTENSION: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    2: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    3: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    13: "urn:3gpp:video-orientation",
}


def new_ufrag() -> str:
    """A user fragment as long as the real service's."""
    return _random_text(14)


def new_pwd() -> str:
    """An ICE password as long as the real service's."""
    return _random_text(26)


def build(*, ufrag: str, pwd: str, fingerprint: str, host: str, port: int, endpoint: str) -> dict[str, Any]:
    """The whole answer. ``fingerprint`` is of our certificate; ``endpoint`` names the client in the video section."""
    return {
        "transport": {
            "xmlns": "urn:xmpp:jingle:transports:ice-udp:1",
            "rtcp-mux": True,
            "ufrag": ufrag,
            "pwd": pwd,
            "fingerprints": [{"hash": "sha-256", "setup": "active", "fingerprint": fingerprint}],
            "candidates": [_candidate(UNREACHABLE_IPV6, port, foundation=1), _candidate(host, port, foundation=2)],
        },
        "audio": {
            "payload-types": [_opus(), _telephone_event()],
            "rtp-hdrexts": _extensions(AUDIO_LEVEL_EXTENSION, 2, 3),
        },
        "video": {
            "endpoint": endpoint,
            "server_sources": [1],
            "payload-types": [_vp8(), _retransmission()],
            "rtp-hdrexts": _extensions(2, 3, 13),
        },
    }


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _candidate(ip: str, port: int, *, foundation: int) -> dict[str, str]:
    return {
        "generation": "0",
        "component": "1",
        "protocol": "udp",
        "port": str(port),
        "ip": ip,
        "foundation": str(foundation),
        "id": secrets.token_hex(12),
        "priority": str(2130706431 - (foundation - 1) * 256),
        "type": "host",
        "network": "0",
    }


def _extensions(*ids: int) -> list[dict[str, Any]]:
    return [{"id": extension_id, "uri": _EXTENSION_URIS[extension_id]} for extension_id in ids]


def _opus() -> dict[str, Any]:
    return {
        "id": OPUS_PAYLOAD_TYPE,
        "name": "opus",
        "clockrate": 48000,
        "channels": 2,
        "parameters": {"minptime": 10, "useinbandfec": 1},
        "rtcp-fbs": [{"type": "transport-cc"}],
    }


def _telephone_event() -> dict[str, Any]:
    return {"id": 126, "name": "telephone-event", "clockrate": 8000, "channels": 1}


def _vp8() -> dict[str, Any]:
    feedback = [
        {"type": "goog-remb"},
        {"type": "transport-cc"},
        {"type": "ccm", "subtype": "fir"},
        {"type": "nack"},
        {"type": "nack", "subtype": "pli"},
    ]
    return {"id": 100, "name": "VP8", "clockrate": 90000, "channels": 1, "parameters": {}, "rtcp-fbs": feedback}


def _retransmission() -> dict[str, Any]:
    return {"id": 101, "name": "rtx", "clockrate": 90000, "channels": 1, "parameters": {"apt": 100}, "rtcp-fbs": []}
