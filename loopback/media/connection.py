"""One participant's connection to the media server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import pylibsrtp
from aioice import stun

from loopback.media import answer, packets
from loopback.media.dtls import DtlsClient, DtlsState, Identity
from loopback.media.packets import Address
from loopback.media.payload import JoinPayload
from loopback.media.srtp import SrtpPair

log = logging.getLogger(__name__)

LATE_ANSWER_S: Final = 0.25
"""Connectivity checks are ignored for this long after the join: a client connected sooner can miss its own "connected" event."""

Send = Callable[[bytes, Address], None]


class Connection:
    """ICE-lite, DTLS and SRTP of one participant. Times are of the ``now_s`` that callers pass in.

    The address is that of the last authentic check, so a client may roam. ``received`` and ``forwarded`` count sound packets from
    and to the participant.
    """

    def __init__(self, participant_id: int, payload: JoinPayload, identity: Identity, send: Send, now_s: float) -> None:
        self.participant_id = participant_id
        self.ssrc = payload.ssrc
        self.ufrag = answer.new_ufrag()
        self.pwd = answer.new_pwd()
        self.address: Address | None = None
        self.received = 0
        self.forwarded = 0
        self._joined_s = now_s
        self._checked_s: float | None = None
        self._send = send
        self._srtp: SrtpPair | None = None
        self._dtls = DtlsClient(identity, payload.fingerprint, self._reply, self._secured)

    @property
    def connected(self) -> bool:
        """Sound can flow."""
        return self._dtls.state is DtlsState.READY

    def silent_for_s(self, now_s: float) -> float | None:
        """Seconds since the last authentic check; ``None`` before the handshake was done."""
        if self._checked_s is None or not self.connected:
            return None
        return now_s - self._checked_s

    def check(self, request: stun.Message, address: Address, now_s: float) -> bool:
        """Answer a connectivity check; whether it was authentic and in time."""
        if not request.check_message_integrity(self.pwd.encode()):
            log.warning("participant %d: a connectivity check with a wrong password", self.participant_id)
            return False
        if now_s - self._joined_s < LATE_ANSWER_S:
            return False
        self.address, self._checked_s = address, now_s
        self._reply(packets.binding_success(request, address, self.pwd))
        self._dtls.start()
        return True

    def receive_dtls(self, datagram: bytes) -> None:
        """Take part of the handshake."""
        self._dtls.receive(datagram)

    def decrypt(self, packet: bytes) -> bytes | None:
        """The RTP packet in the clear; ``None`` if it is forged, repeated or too early."""
        if self._srtp is None:
            return None
        try:
            plain = self._srtp.unprotect(packet)
        except pylibsrtp.Error as error:
            log.debug("participant %d: %s", self.participant_id, error)
            return None
        self.received += 1
        return plain

    def forward(self, plain: bytes) -> None:
        """Send an RTP packet of somebody else to this participant, if connected."""
        if self._srtp is not None:
            self._reply(self._srtp.protect(plain))
            self.forwarded += 1

    def close(self) -> None:
        """Stop; nothing more is sent."""
        self._dtls.close()
        self._srtp = None
        self.address = None

    def _reply(self, datagram: bytes) -> None:
        if self.address is not None:
            self._send(datagram, self.address)

    def _secured(self, srtp: SrtpPair) -> None:
        self._srtp = srtp
