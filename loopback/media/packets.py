"""Telling the packets of the one UDP socket apart, and reading what is needed of them."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import Final

from aioice import stun

from loopback.media.answer import AUDIO_LEVEL_EXTENSION

_RTP_HEADER_BYTES: Final = 12
_EXTENSION_FLAG: Final = 0x10
_ONE_BYTE_PROFILE: Final = 0xBEDE
_PADDING_ID: Final = 0

Address = tuple[str, int]


class PacketKind(enum.Enum):
    """RFC 7983: the first byte says which protocol a packet belongs to; RTCP is told from RTP by the second (RFC 5761)."""

    STUN = enum.auto()
    DTLS = enum.auto()
    RTP = enum.auto()
    RTCP = enum.auto()
    UNKNOWN = enum.auto()


def kind_of(packet: bytes) -> PacketKind:
    """Which protocol the packet belongs to."""
    if len(packet) < 2:
        return PacketKind.UNKNOWN
    first, second = packet[0], packet[1]
    if first < 4:
        return PacketKind.STUN
    if 20 <= first < 64:
        return PacketKind.DTLS
    if 128 <= first < 192:
        return PacketKind.RTCP if 192 <= second <= 223 else PacketKind.RTP
    return PacketKind.UNKNOWN


def rtp_payload_type(packet: bytes) -> int:
    """The 7-bit payload type."""
    return packet[1] & 0x7F


def rtp_ssrc(packet: bytes) -> int:
    """The sender's source number, unsigned."""
    return int.from_bytes(packet[8:12], "big")


def has_audio_level(packet: bytes) -> bool:
    """Whether an RTP packet carries the audio level in its header (RFC 6464, one-byte form of RFC 8285)."""
    return AUDIO_LEVEL_EXTENSION in _extension_ids(_extensions(packet))


def _extensions(packet: bytes) -> bytes:
    """The block of one-byte header extensions; empty where there is none, or the packet ends too early."""
    if not packet[0] & _EXTENSION_FLAG:
        return b""
    at = _RTP_HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if int.from_bytes(packet[at : at + 2], "big") != _ONE_BYTE_PROFILE:
        return b""
    return packet[at + 4 : at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")]


def _extension_ids(extensions: bytes) -> Iterator[int]:
    at = 0
    while at < len(extensions):
        extension_id, length = extensions[at] >> 4, (extensions[at] & 0x0F) + 1
        if extension_id != _PADDING_ID:
            yield extension_id
            at += length
        at += 1


def binding_request(packet: bytes) -> stun.Message | None:
    """The ICE connectivity check in a packet, if it is one."""
    try:
        message = stun.parse_message(packet)
    except (ValueError, IndexError, struct.error):
        return None
    is_request = message.message_method == stun.Method.BINDING and message.message_class == stun.Class.REQUEST
    return message if is_request else None


def local_ufrag(request: stun.Message) -> str:
    """Our half of the USERNAME of a check (``ours:theirs``)."""
    return str(request.attributes.get("USERNAME", "")).partition(":")[0]


def binding_success(request: stun.Message, address: Address, pwd: str) -> bytes:
    """The answer to a check from ``address``."""
    response = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.RESPONSE, transaction_id=request.transaction_id)
    response.attributes["XOR-MAPPED-ADDRESS"] = address
    response.add_message_integrity(pwd.encode())
    return bytes(response)
