"""DTLS-SRTP as the connecting side: Telegram's clients are always the DTLS server of a voice chat."""

from __future__ import annotations

import asyncio
import datetime
import enum
import logging
from collections.abc import Callable, Iterator
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from loopback.media.srtp import PROFILES, SrtpPair

log = logging.getLogger(__name__)

MTU: Final = 1200
_RECORD_HEADER_BYTES: Final = 13
_READ_BYTES: Final = 1 << 16


class Identity:
    """A self-signed certificate and the OpenSSL context that presents it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self.fingerprint = fingerprint_of(certificate)
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(b":".join(PROFILES))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, as in SDP: upper-case hex with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    return builder.not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256())


class DtlsState(enum.Enum):
    """Where an association is in its life."""

    NEW = enum.auto()
    HANDSHAKING = enum.auto()
    READY = enum.auto()
    FAILED = enum.auto()
    CLOSED = enum.auto()


class DtlsClient:
    """One association. ``send`` takes datagrams for the other side; ``on_ready`` gets the SRTP keys once the handshake is done.

    The other side's certificate must have the SHA-256 ``fingerprint``, else the state becomes ``FAILED`` and nothing more is sent.
    """

    def __init__(self, identity: Identity, fingerprint: str, send: Callable[[bytes], None], on_ready: Callable[[SrtpPair], None]) -> None:
        self.state = DtlsState.NEW
        self._fingerprint = fingerprint
        self._send = send
        self._on_ready = on_ready
        self._timer: asyncio.TimerHandle | None = None
        self._connection = SSL.Connection(identity.context)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(MTU)

    def start(self) -> None:
        """Send the ClientHello; repeated with OpenSSL's back-off until answered. Does nothing after the first time."""
        if self.state is DtlsState.NEW:
            self.state = DtlsState.HANDSHAKING
            self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take a datagram of the other side."""
        if self.state is DtlsState.HANDSHAKING:
            self._connection.bio_write(datagram)
            self._advance()

    def close(self) -> None:
        """Stop; timers are cancelled."""
        self.state = DtlsState.CLOSED
        self._cancel_timer()

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
            self._arm_timer()
        except SSL.Error as error:
            self._fail(f"handshake failed: {error}")
        else:
            self._flush()
            self._finish()

    def _finish(self) -> None:
        self._cancel_timer()
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or fingerprint_of(certificate) != self._fingerprint:
            self._fail("the certificate is not the one announced when joining")
            return
        self.state = DtlsState.READY
        self._on_ready(SrtpPair.of_client(self._connection))

    def _fail(self, reason: str) -> None:
        self._cancel_timer()
        self.state = DtlsState.FAILED
        log.warning("DTLS: %s", reason)

    def _flush(self) -> None:
        for datagram in datagrams(self._outgoing()):
            self._send(datagram)

    def _outgoing(self) -> bytes:
        try:
            return bytes(self._connection.bio_read(_READ_BYTES))
        except SSL.WantReadError:
            return b""

    def _arm_timer(self) -> None:
        self._cancel_timer()
        delay_s = self._connection.DTLSv1_get_timeout()
        if delay_s is not None:
            self._timer = asyncio.get_running_loop().call_later(max(delay_s, 0.01), self._retransmit)

    def _retransmit(self) -> None:
        self._timer = None
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(f"no answer: {error}")
            return
        self._flush()
        self._arm_timer()

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def datagrams(records: bytes) -> Iterator[bytes]:
    """Pack whole DTLS records into datagrams of at most ``MTU`` bytes; a record never spans two."""
    datagram = b""
    while records:
        length = _RECORD_HEADER_BYTES + int.from_bytes(records[11:13], "big")
        record, records = records[:length], records[length:]
        if datagram and len(datagram) + len(record) > MTU:
            yield datagram
            datagram = b""
        datagram += record
    if datagram:
        yield datagram
