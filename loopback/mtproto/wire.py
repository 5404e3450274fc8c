"""What goes over the wire: TL values to and from bytes, with Telethon's own generated classes as the schema."""

from __future__ import annotations

import gzip
import struct
from typing import Any, Final

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import types as t
from telethon.tl.core import GzipPacked
from telethon.tl.tlobject import TLObject

VECTOR: Final = 0x1CB5C415
BOOL_TRUE: Final = 0x997275B5
BOOL_FALSE: Final = 0xBC799737
RPC_RESULT: Final = 0xF35C6D01
GZIP_FROM_BYTES: Final = 512

Tl = Any
"""A TL object, boxed or bare; Telethon ships no types."""


class RpcFailure(Exception):
    """The request is answered with ``rpc_error``; ``code`` and ``message`` are those of Telegram's error list."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class ProtocolViolation(ConnectionError):
    """The peer broke the protocol; the connection is closed."""


class IntVector(list[int]):
    """A ``Vector<int>``, whose items are bare on the wire."""


def decode(data: bytes) -> Tl:
    """The TL object in ``data``, unpacked if gzipped.

    :raises ProtocolViolation: there is none.
    """
    try:
        value = BinaryReader(data).tgread_object()
        while isinstance(value, GzipPacked):
            value = BinaryReader(value.data).tgread_object()
    except (struct.error, TypeNotFoundError, ValueError, BufferError, OSError, EOFError) as error:
        raise ProtocolViolation(f"no TL object: {error}") from error
    return value


def encode(value: Tl) -> bytes:
    """Any value a method may answer with."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return struct.pack("<I", BOOL_TRUE if value else BOOL_FALSE)
    if isinstance(value, IntVector):
        return struct.pack(f"<Ii{len(value)}i", VECTOR, len(value), *value)
    if isinstance(value, list | tuple):
        return struct.pack("<Ii", VECTOR, len(value)) + b"".join(bytes(item) for item in value)
    return bytes(value)


def encode_result(request_id: int, value: Tl) -> bytes:
    """``rpc_result``; large answers are gzipped as the real service does, file parts are not."""
    body = encode(value)
    if len(body) > GZIP_FROM_BYTES and not isinstance(value, t.upload.File):
        body = min(body, _gzipped(body), key=len)
    return struct.pack("<Iq", RPC_RESULT, request_id) + body


def _gzipped(body: bytes) -> bytes:
    packed: bytes = TLObject.serialize_bytes(gzip.compress(body))
    return struct.pack("<I", GzipPacked.CONSTRUCTOR_ID) + packed
