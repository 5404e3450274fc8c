"""MTProto 2.0 message encryption as the server sees it, and the server's keys.

https://core.telegram.org/mtproto/description
"""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import rsa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa as fast_rsa
from telethon.crypto import AES

from errors import SettingsError
from loopback.mtproto.wire import ProtocolViolation

DH_GENERATOR: Final = 3
DH_PRIME: Final = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DB"
    "FA336F6E0AC925139543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B41"
    "0DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F0D8115F635B105EE2E4E15D04B2454BF"
    "6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
"""Telegram's published 2048-bit safe prime: clients take it, with this generator, without a primality test."""

SECRET_BYTES: Final = 32
"""Size of the server's Diffie-Hellman secrets: short, so that no power takes more than some milliseconds of the event loop."""

_FROM_CLIENT: Final = 0
_FROM_SERVER: Final = 8


def _aes_key(auth_key: bytes, message_key: bytes, direction: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + auth_key[direction : direction + 36]).digest()
    b = sha256(auth_key[direction + 40 : direction + 76] + message_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]


def _message_key(auth_key: bytes, plain: bytes, direction: int) -> bytes:
    return sha256(auth_key[88 + direction : 120 + direction] + plain).digest()[8:24]


def encrypt_to_client(auth_key: bytes, plain: bytes) -> bytes:
    """Message key and cipher text; 12 bytes or more of random padding are added."""
    plain += os.urandom(-(len(plain) + 12) % 16 + 12)
    message_key = _message_key(auth_key, plain, _FROM_SERVER)
    cipher: bytes = AES.encrypt_ige(plain, *_aes_key(auth_key, message_key, _FROM_SERVER))
    return message_key + cipher


def decrypt_from_client(auth_key: bytes, packet: bytes) -> bytes:
    """The plain text of what follows the key id in a client's packet.

    :raises ProtocolViolation: the message key does not fit.
    """
    message_key, cipher = packet[:16], packet[16:]
    cipher = cipher[: len(cipher) - len(cipher) % 16]
    plain: bytes = AES.decrypt_ige(cipher, *_aes_key(auth_key, message_key, _FROM_CLIENT))
    if _message_key(auth_key, plain, _FROM_CLIENT) != message_key:
        raise ProtocolViolation("a message key that does not fit")
    return plain


def new_rsa_key() -> rsa.PrivateKey:
    """A fresh 2048-bit key (0.2 s)."""
    pem = fast_rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return rsa.PrivateKey.load_pkcs1(pem)


def rsa_decrypt(key: rsa.PrivateKey, cipher: bytes) -> bytes:
    """The 256 bytes that a client has encrypted with the public key, by the Chinese remainder theorem."""
    number = int.from_bytes(cipher, "big")
    of_p, of_q = pow(number, key.exp1, key.p), pow(number, key.exp2, key.q)
    return (of_q + key.coef * (of_p - of_q) % key.p * key.q).to_bytes(256, "big")


@lru_cache(maxsize=1)
def process_rsa_key() -> rsa.PrivateKey:
    """One key for all servers of this process that are not given one."""
    return new_rsa_key()


def load_rsa_key(path: Path) -> rsa.PrivateKey:
    """The key in ``path``; a missing file is written first (mode 0600).

    :raises SettingsError: the file holds no RSA key.
    """
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(new_rsa_key().save_pkcs1())
    try:
        return rsa.PrivateKey.load_pkcs1(path.read_bytes())
    except (ValueError, OSError) as error:
        raise SettingsError(f"{path} holds no RSA private key in PKCS#1 PEM form.", "Remove it: a new one is written.") from error
