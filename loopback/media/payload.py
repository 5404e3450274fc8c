"""What a client offers when it joins a voice chat (the JSON of ``phone.joinGroupCall``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from errors import ParleyError

UINT32 = 0xFFFF_FFFF


class JoinPayloadError(ParleyError):
    """The join payload is not what a WebRTC client sends; the real service answers DATA_JSON_INVALID."""


@dataclass(frozen=True, slots=True)
class JoinPayload:
    """The parts of the offer that the media server needs. ``fingerprint`` is the SHA-256 of the client's certificate, ``ssrc`` unsigned."""

    ufrag: str
    pwd: str
    fingerprint: str
    ssrc: int

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> JoinPayload:
        """Read the decoded JSON.

        :raises JoinPayloadError: a field is missing or of the wrong kind.
        """
        try:
            return cls(
                ufrag=str(payload["ufrag"]),
                pwd=str(payload["pwd"]),
                fingerprint=_sha256(payload["fingerprints"]),
                ssrc=int(payload["ssrc"]) & UINT32,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise JoinPayloadError(
                f"The join payload is incomplete or malformed ({error!r}).",
                "It needs ufrag, pwd, ssrc and a sha-256 entry in fingerprints.",
            ) from error


def _sha256(fingerprints: list[Mapping[str, Any]]) -> str:
    for entry in fingerprints:
        if entry["hash"] == "sha-256":
            return str(entry["fingerprint"]).upper()
    raise ValueError("no sha-256 fingerprint")
