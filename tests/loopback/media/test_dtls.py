"""The handshake, against OpenSSL's own server side in memory."""

from __future__ import annotations

import contextlib

import pylibsrtp
import pytest
from OpenSSL import SSL

from loopback.media.dtls import MTU, DtlsClient, DtlsState, Identity, datagrams
from loopback.media.srtp import PROFILES, SrtpPair

RTP = bytes.fromhex("806f000100000002cafebabe") + b"sound"


class Server:
    """The other side, as a native client plays it."""

    def __init__(self, identity: Identity) -> None:
        self.connection = SSL.Connection(identity.context)
        self.connection.set_accept_state()
        self.connection.set_ciphertext_mtu(MTU)

    def answer(self, datagram: bytes) -> bytes:
        self.connection.bio_write(datagram)
        with contextlib.suppress(SSL.WantReadError):
            self.connection.do_handshake()
        try:
            return bytes(self.connection.bio_read(1 << 16))
        except SSL.WantReadError:
            return b""


def handshake(fingerprint: str | None = None) -> tuple[DtlsClient, list[SrtpPair], Server]:
    theirs = Identity()
    server, outgoing, ready = Server(theirs), list[bytes](), list[SrtpPair]()
    client = DtlsClient(Identity(), fingerprint or theirs.fingerprint, outgoing.append, ready.append)
    client.start()
    while outgoing:
        for datagram in datagrams(server.answer(outgoing.pop(0))):
            client.receive(datagram)
    return client, ready, server


async def test_handshake_yields_keys_that_both_sides_share() -> None:
    client, [ours], server = handshake()
    assert client.state is DtlsState.READY
    profile = PROFILES[server.connection.get_selected_srtp_profile()]
    size = profile.key_bytes + profile.salt_bytes
    material = server.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * size)
    keys, salts = material[: 2 * profile.key_bytes], material[2 * profile.key_bytes :]
    client_key = keys[: profile.key_bytes] + salts[: profile.salt_bytes]
    server_key = keys[profile.key_bytes :] + salts[profile.salt_bytes :]
    theirs = SrtpPair(profile, server_key, client_key)
    assert theirs.unprotect(ours.protect(RTP)) == RTP
    assert ours.unprotect(theirs.protect(RTP)) == RTP
    with pytest.raises(pylibsrtp.Error):
        ours.unprotect(RTP + bytes(16))


async def test_another_certificate_than_announced_is_refused() -> None:
    client, ready, _ = handshake("AA:BB")
    assert client.state is DtlsState.FAILED
    assert not ready


async def test_nonsense_does_no_harm() -> None:
    client = DtlsClient(Identity(), "AA", lambda _: None, lambda _: None)
    client.receive(b"\x16nonsense before the start")
    client.start()
    client.start()
    client.receive(b"\x16nonsense")
    assert client.state is DtlsState.HANDSHAKING
    client.close()
    assert client.state.name == "CLOSED"


def test_records_are_packed_but_never_split() -> None:
    def record(size: int) -> bytes:
        return b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size)

    small, large = record(500), record(900)
    assert list(datagrams(small + small + large)) == [small + small, large]
    assert list(datagrams(b"")) == []
