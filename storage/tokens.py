"""The tokens by which programs and people show over HTTP who they are; only hashes are kept. Times are seconds since the epoch.

A token is 256 bits of chance, so a plain hash of it can neither be guessed nor looked up in a table.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from errors import ParleyError
from storage.database import Database
from storage.errors import TooMany

PREFIX: Final = "parley_"
MOST_TOKENS: Final = 1_000
USE_NOTED_EVERY_S: Final = 60.0
"""That a token was used is written no more often: requests shall not wear the disk."""
NAME: Final = re.compile(r"[\w][\w .@-]{0,63}")
_TOKEN: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_COLUMNS: Final = "token_id, name, scopes, created_at, expires_at, revoked_at, last_used_at"


class TokenError(ParleyError):
    """A token cannot be made, or there is none such."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; the token itself is not."""

    token_id: str
    name: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def is_good(self, now: float) -> bool:
        """Whether it lets anybody in now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


async def create(database: Database, name: str, scopes: Iterable[str], now: float, expires_at: float | None = None) -> tuple[str, Token]:
    """A new token, which is told here and kept nowhere, and what is kept of it.

    :raises TokenError: the name is no name, or a token of this name lets somebody in already.
    :raises storage.errors.TooMany: there are as many as there can be.
    :raises storage.errors.StorageError: it could not be kept.
    """
    if not NAME.fullmatch(name):
        raise TokenError(f"{name[:64]!r} is no name for a token.", "Use letters, digits, spaces and . _ - @, at most 64 in all.")
    told = PREFIX + secrets.token_urlsafe(32)
    token = Token(secrets.token_hex(4), name, frozenset(scopes), now, expires_at)
    async with database.transaction() as connection:
        rows = await connection.execute_fetchall(f"SELECT {_COLUMNS} FROM tokens")
        known = [_token(row) for row in rows]
        if any(other.name == name and other.is_good(now) for other in known):
            raise TokenError(f"There is a token called {name!r} already.", "Choose another name, or revoke that one first.")
        if len(known) >= MOST_TOKENS:
            raise TooMany(f"There are {MOST_TOKENS} tokens already, revoked ones included.", "Use one of them for several programs.")
        row = (token.token_id, name, _hash(told), " ".join(sorted(token.scopes)), now, expires_at)
        await connection.execute(
            "INSERT INTO tokens (token_id, name, token_hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)", row
        )
    return told, token


async def find(database: Database, told: str) -> Token | None:
    """What is known of a token that somebody shows, whether it is good or not; ``None``: it is none."""
    if not _TOKEN.fullmatch(told):
        return None
    rows = await database.rows(f"SELECT {_COLUMNS} FROM tokens WHERE token_hash = ?", (_hash(told),))
    return _token(rows[0]) if rows else None


async def of_id(database: Database, token_id: str) -> Token | None:
    """The token of this id."""
    rows = await database.rows(f"SELECT {_COLUMNS} FROM tokens WHERE token_id = ?", (token_id,))
    return _token(rows[0]) if rows else None


async def all_of_them(database: Database) -> list[Token]:
    """Every token there ever was, oldest first."""
    return [_token(row) for row in await database.rows(f"SELECT {_COLUMNS} FROM tokens ORDER BY created_at, token_id")]


async def good_ids(database: Database, now: float) -> frozenset[str]:
    """Those of all tokens that let somebody in now."""
    rows = await database.rows(
        "SELECT token_id FROM tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
        (now,),
    )
    return frozenset(row[0] for row in rows)


async def any_ever(database: Database) -> bool:
    """Whether there ever was a token, also one that is revoked by now."""
    return bool(await database.rows("SELECT 1 FROM tokens LIMIT 1"))


async def revoke(database: Database, which: str, now: float) -> list[Token]:
    """Have the token of this id, or those of this name, let nobody in any more; returns them.

    :raises TokenError: there is none that still lets anybody in.
    """
    async with database.transaction() as connection:
        rows = await connection.execute_fetchall(
            f"SELECT {_COLUMNS} FROM tokens WHERE (token_id = ?1 OR name = ?1) AND revoked_at IS NULL",
            (which,),
        )
        found = [_token(row) for row in rows]
        for token in found:
            await connection.execute("UPDATE tokens SET revoked_at = ? WHERE token_id = ?", (now, token.token_id))
    if not found:
        raise TokenError(f"There is no token {which[:64]!r} that could be revoked.", "python bot.py token list shows them all.")
    return found


async def note_use(database: Database, token: Token, now: float) -> None:
    """Keep that it was used just now."""
    if token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY_S:
        async with database.transaction() as connection:
            await connection.execute("UPDATE tokens SET last_used_at = ? WHERE token_id = ?", (now, token.token_id))


def _hash(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()


def _token(row: Any) -> Token:
    token_id, name, scopes, created_at, expires_at, revoked_at, last_used_at = row
    return Token(token_id, name, frozenset(scopes.split()), created_at, expires_at, revoked_at, last_used_at)
