"""The exchange that makes an authorisation key, server side.

https://core.telegram.org/mtproto/auth_key (with the RSA padding that Telethon sends: SHA-1, data, random bytes).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

import rsa
from telethon.crypto import AES
from telethon.crypto import rsa as client_rsa
from telethon.helpers import generate_key_data_from_nonce
from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.crypto import DH_GENERATOR, DH_PRIME, SECRET_BYTES, rsa_decrypt
from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import ProtocolViolation, Tl, decode

PQ: Final = 10007 * 10009
"""The proof of work: instant to factor. Its first byte's top bit is clear because Telethon reads the number as signed."""


@dataclass(slots=True)
class _Exchange:
    nonce: int
    server_nonce: int
    new_nonce: int = 0
    secret: int = 0
    key: bytes = b""
    iv: bytes = b""


class Handshake:
    """One client's way to a key: three questions, three answers."""

    def __init__(self, key: rsa.PrivateKey, fingerprint: int, now: Callable[[], float], add_key: Callable[[bytes], Authorisation]) -> None:
        self._rsa = key
        self._fingerprint = fingerprint
        self._now = now
        self._add_key = add_key
        self._exchange: _Exchange | None = None

    def answer(self, body: bytes) -> bytes:
        """The answer to an unencrypted message.

        :raises ProtocolViolation: it is none of the handshake's, or out of order, or forged.
        """
        try:
            return self._answer(decode(body))
        except (ValueError, OverflowError, AttributeError) as error:
            raise ProtocolViolation(f"a malformed step of the key exchange: {error}") from error

    def _answer(self, request: Tl) -> bytes:
        if isinstance(request, f.ReqPqMultiRequest | f.ReqPqRequest):
            return self._begin(request)
        if self._exchange is None:
            raise ProtocolViolation(f"unexpected plain {type(request).__name__}")
        if isinstance(request, f.ReqDHParamsRequest):
            return self._offer(self._exchange, request)
        if isinstance(request, f.SetClientDHParamsRequest):
            return self._finish(self._exchange, request)
        raise ProtocolViolation(f"unexpected plain {type(request).__name__}")

    def _begin(self, request: Tl) -> bytes:
        self._exchange = _Exchange(request.nonce, int.from_bytes(os.urandom(16), "big", signed=True))
        pq = client_rsa.get_byte_array(PQ)
        return bytes(t.ResPQ(request.nonce, self._exchange.server_nonce, pq, [self._fingerprint]))

    def _offer(self, exchange: _Exchange, request: Tl) -> bytes:
        inner = self._deciphered(exchange, request.encrypted_data)
        exchange.new_nonce = inner.new_nonce
        exchange.key, exchange.iv = generate_key_data_from_nonce(inner.server_nonce, inner.new_nonce)
        exchange.secret = int.from_bytes(os.urandom(SECRET_BYTES), "big")
        offer = bytes(
            t.ServerDHInnerData(
                exchange.nonce,
                exchange.server_nonce,
                DH_GENERATOR,
                client_rsa.get_byte_array(DH_PRIME),
                client_rsa.get_byte_array(pow(DH_GENERATOR, exchange.secret, DH_PRIME)),
                int(self._now()),
            )
        )
        offer = sha1(offer, usedforsecurity=False).digest() + offer
        cipher = AES.encrypt_ige(offer + os.urandom(-len(offer) % 16), exchange.key, exchange.iv)
        return bytes(t.ServerDHParamsOk(exchange.nonce, exchange.server_nonce, cipher))

    def _deciphered(self, exchange: _Exchange, cipher: bytes) -> Tl:
        raw = rsa_decrypt(self._rsa, cipher)[1:]
        inner = decode(raw[20:])
        if not isinstance(inner, t.PQInnerData | t.PQInnerDataDc) or sha1(bytes(inner), usedforsecurity=False).digest() != raw[:20]:
            raise ProtocolViolation("inner data that does not fit its hash")
        if (inner.nonce, inner.server_nonce) != (exchange.nonce, exchange.server_nonce):
            raise ProtocolViolation("nonces of another exchange")
        return inner

    def _finish(self, exchange: _Exchange, request: Tl) -> bytes:
        inner = decode(AES.decrypt_ige(request.encrypted_data, exchange.key, exchange.iv)[20:])
        shared = pow(int.from_bytes(inner.g_b, "big"), exchange.secret, DH_PRIME)
        # Not padded to 256 bytes: one key in 256 is shorter, and Telethon leaves it so.
        authorisation = self._add_key(client_rsa.get_byte_array(shared))
        answer_hash = authorisation.key.calc_new_nonce_hash(exchange.new_nonce, 1)
        return bytes(t.DhGenOk(exchange.nonce, exchange.server_nonce, answer_hash))
