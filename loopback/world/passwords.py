"""Two-step verification: SRP, server side. https://core.telegram.org/api/srp."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from telethon import password as client_srp
from telethon.tl import types as t

from loopback.mtproto.crypto import DH_GENERATOR, DH_PRIME, SECRET_BYTES
from loopback.mtproto.wire import RpcFailure, Tl

PRIME_BYTES: Final = DH_PRIME.to_bytes(256, "big")
GENERATOR_BYTES: Final = DH_GENERATOR.to_bytes(256, "big")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _hash(*parts: bytes) -> bytes:
    digest: bytes = client_srp.sha256(*parts)
    return digest


def key_derivation() -> Tl:
    """The algorithm clients are asked to use, with fresh salts."""
    return t.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
        salt1=os.urandom(16), salt2=os.urandom(16), g=DH_GENERATOR, p=PRIME_BYTES
    )


@dataclass(frozen=True, slots=True)
class Challenge:
    """One question to a client: does it know the password?"""

    srp_id: int
    algorithm: Tl
    verifier: int
    secret: int
    public: bytes

    def answer(self) -> Tl:
        """``account.getPassword`` of an account that has one."""
        return t.account.Password(
            has_password=True,
            current_algo=self.algorithm,
            srp_B=self.public,
            srp_id=self.srp_id,
            new_algo=key_derivation(),
            new_secure_algo=t.SecurePasswordKdfAlgoUnknown(),
            secure_random=os.urandom(256),
        )

    def check(self, proof: Tl) -> None:
        """Compare a client's proof.

        :raises RpcFailure: SRP_ID_INVALID, PASSWORD_HASH_INVALID.
        """
        if proof.srp_id != self.srp_id:
            raise RpcFailure(400, "SRP_ID_INVALID")
        client_public = proof.A.rjust(256, b"\0")
        scramble = _number(_hash(client_public, self.public))
        shared = pow(_number(client_public) * pow(self.verifier, scramble, DH_PRIME), self.secret, DH_PRIME)
        expected = _hash(
            bytes(a ^ b for a, b in zip(_hash(PRIME_BYTES), _hash(GENERATOR_BYTES), strict=True)),
            _hash(self.algorithm.salt1),
            _hash(self.algorithm.salt2),
            client_public,
            self.public,
            _hash(shared.to_bytes(256, "big")),
        )
        if not compare_digest(expected, proof.M1):
            raise RpcFailure(400, "PASSWORD_HASH_INVALID")


def no_password() -> Tl:
    """``account.getPassword`` of an account without one."""
    return t.account.Password(new_algo=key_derivation(), new_secure_algo=t.SecurePasswordKdfAlgoUnknown(), secure_random=os.urandom(256))


async def challenge(password: str) -> Challenge:
    """A fresh challenge; the slow hash runs in a thread."""
    algorithm = key_derivation()
    exponent = _number(await asyncio.to_thread(client_srp.compute_hash, algorithm, password))
    verifier, secret = pow(DH_GENERATOR, exponent, DH_PRIME), _number(os.urandom(SECRET_BYTES))
    multiplier = _number(_hash(PRIME_BYTES, GENERATOR_BYTES))
    public = (multiplier * verifier + pow(DH_GENERATOR, secret, DH_PRIME)) % DH_PRIME
    return Challenge(_number(os.urandom(7)), algorithm, verifier, secret, public.to_bytes(256, "big"))
