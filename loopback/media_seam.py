"""What the signalling half asks of a media server, and what stands in where there is none."""

from __future__ import annotations

from typing import Any, Final, Protocol


class MediaServer(Protocol):
    """The media half of voice chats. ``call_id`` and ``participant_id`` are those of the signalling half."""

    loss: float
    """Share of packets that are thrown away, 0 to 1."""
    dead: bool
    """Everything of everybody is swallowed."""

    async def start(self) -> None:
        """Open the sockets."""

    async def stop(self) -> None:
        """Close them."""

    def join(self, call_id: int, participant_id: int, payload: dict[str, Any]) -> dict[str, Any]:
        """Take the JSON of ``phone.joinGroupCall`` and give that of ``updateGroupCallConnection``; a second join replaces the first.

        :raises errors.ParleyError: the payload is no offer.
        """

    def leave(self, call_id: int, participant_id: int) -> None:
        """Forget a participant; unknown ones are no error."""

    def set_muted(self, call_id: int, participant_id: int, muted: bool) -> None:
        """Whether a participant's sound is passed on."""

    def silent_for_s(self, call_id: int, participant_id: int) -> float | None:
        """Seconds since the last valid STUN request of a participant; None when it never connected."""

    def black_hole(self, call_id: int, participant_id: int, on: bool) -> None:
        """Swallow everything of and to a participant."""


UNREACHABLE_IPV6: Final = "2001:db8::1"
MEDIA_PORT: Final = 32000


def candidate(address: str, port: int, number: int) -> dict[str, str]:
    """An ICE candidate as the real service words it: every field a string."""
    return {
        "id": f"{number:024x}",
        "foundation": str(number),
        "generation": "0",
        "component": "1",
        "network": "0",
        "protocol": "udp",
        "type": "host",
        "ip": address,
        "port": str(port),
        "priority": "2130706431",
    }


class PlaceholderMedia:
    """Answers joins with a well-formed address that leads nowhere. For tests of signalling.

    ``silence_s`` is what every participant's connection looks like to the media time-outs: 0 a healthy one, None one that never came up.
    """

    def __init__(self) -> None:
        self.loss = 0.0
        self.dead = False
        self.silence_s: float | None = 0.0
        self.muted: set[tuple[int, int]] = set()
        self.present: set[tuple[int, int]] = set()
        self.swallowed: set[tuple[int, int]] = set()

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    def join(self, call_id: int, participant_id: int, payload: dict[str, Any]) -> dict[str, Any]:
        """An answer nobody can connect to."""
        self.present.add((call_id, participant_id))
        return {"transport": _transport(), "audio": _audio(), "video": _video()}

    def leave(self, call_id: int, participant_id: int) -> None:
        """Forget a participant."""
        self.present.discard((call_id, participant_id))
        self.muted.discard((call_id, participant_id))

    def set_muted(self, call_id: int, participant_id: int, muted: bool) -> None:
        """Note who is muted."""
        (self.muted.add if muted else self.muted.discard)((call_id, participant_id))

    def silent_for_s(self, call_id: int, participant_id: int) -> float | None:
        """The same for everybody; None for those in the black hole."""
        return None if (call_id, participant_id) in self.swallowed else self.silence_s

    def black_hole(self, call_id: int, participant_id: int, on: bool) -> None:
        """Let a participant look unconnected."""
        (self.swallowed.add if on else self.swallowed.discard)((call_id, participant_id))


def _transport() -> dict[str, Any]:
    return {
        "xmlns": "urn:xmpp:jingle:transports:ice-udp:1",
        "rtcp-mux": True,
        "ufrag": "placeholder000",
        "pwd": "placeholder000000000000000",
        "fingerprints": [{"hash": "sha-256", "setup": "active", "fingerprint": ":".join(["00"] * 32)}],
        "candidates": [candidate(UNREACHABLE_IPV6, MEDIA_PORT, 1), candidate("127.0.0.1", 9, 2)],
    }


def _audio() -> dict[str, Any]:
    opus = {
        "id": 111,
        "name": "opus",
        "clockrate": 48000,
        "channels": 2,
        "parameters": {"minptime": 10, "useinbandfec": 1},
        "rtcp-fbs": [{"type": "transport-cc"}],
    }
    return {"payload-types": [opus], "rtp-hdrexts": [{"id": 1, "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}]}


def _video() -> dict[str, Any]:
    # An empty list of payload types aborts the native client library.
    vp8 = {
        "id": 100,
        "name": "VP8",
        "clockrate": 90000,
        "channels": 1,
        "parameters": {},
        "rtcp-fbs": [{"type": "ccm", "subtype": "fir"}, {"type": "nack"}],
    }
    return {"endpoint": "1", "server_sources": [1], "payload-types": [vp8], "rtp-hdrexts": []}
