"""Reading packets."""

from __future__ import annotations

import struct

import pytest
from aioice import stun

from loopback.media import packets
from loopback.media.packets import PacketKind


def rtp(extension: bytes | None = None, *, profile: int = 0xBEDE, sources: int = 0) -> bytes:
    first = 0x80 | (0x10 if extension is not None else 0) | sources
    packet = struct.pack("!BBHII", first, 0x80 | 111, 1, 2, 0xCAFEBABE) + bytes(4 * sources)
    if extension is not None:
        packet += struct.pack("!HH", profile, len(extension) // 4) + extension
    return packet + b"sound"


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (b"\x00\x01", PacketKind.STUN),
        (b"\x16\xfe", PacketKind.DTLS),
        (b"\x80\x6f", PacketKind.RTP),
        (b"\x80\xef", PacketKind.RTP),
        (b"\x80\xc8", PacketKind.RTCP),
        (b"\xff\xff", PacketKind.UNKNOWN),
        (b"\x80", PacketKind.UNKNOWN),
        (b"", PacketKind.UNKNOWN),
    ],
)
def test_kinds(packet: bytes, kind: PacketKind) -> None:
    assert packets.kind_of(packet) is kind


def test_rtp_header() -> None:
    assert packets.rtp_payload_type(rtp()) == 111
    assert packets.rtp_ssrc(rtp()) == 0xCAFEBABE


@pytest.mark.parametrize(
    ("packet", "there"),
    [
        (rtp(), False),
        (rtp(b"\x10\x8f\x00\x00"), True),
        (rtp(b"\x10\x8f\x00\x00", sources=2), True),
        (rtp(b"\x22\xbe\x4d\xc8\x31\x00\x19\x10\x8f\x00\x00\x00"), True),
        (rtp(b"\x00\x00\x10\x8f"), True),
        (rtp(b"\x22\xbe\x4d\xc8"), False),
        (rtp(b"\x10\x8f\x00\x00", profile=0x1000), False),
        (rtp(b"\x10\x8f\x00\x00")[:14], False),
        (rtp(b"\x10\x8f\x00\x00")[:12], False),
        (rtp(bytes(8))[:18], False),
    ],
)
def test_audio_level(packet: bytes, there: bool) -> None:
    assert packets.has_audio_level(packet) is there


def a_check(username: str = "ours:theirs", pwd: str = "secret", kind: stun.Class = stun.Class.REQUEST) -> stun.Message:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=kind)
    message.attributes["USERNAME"] = username
    message.add_message_integrity(pwd.encode())
    return message


def test_connectivity_check_is_answered_with_the_address_it_came_from() -> None:
    request = packets.binding_request(bytes(a_check()))
    assert request is not None
    assert packets.local_ufrag(request) == "ours"
    response = stun.parse_message(packets.binding_success(request, ("127.0.0.1", 4711), "secret"))
    assert response.message_class == stun.Class.RESPONSE
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ("127.0.0.1", 4711)
    assert response.check_message_integrity(b"secret")


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x00\x01", bytes(20), bytes(a_check(kind=stun.Class.RESPONSE)), bytes(a_check())[:-1]],
    ids=["nothing", "two bytes", "zeros", "a response", "cut short"],
)
def test_anything_else_is_no_check(packet: bytes) -> None:
    assert packets.binding_request(packet) is None
