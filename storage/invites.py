"""Invitations to the call page: one-time tokens, of which only hashes are kept. Times are seconds since the epoch."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from typing import Final

from errors import ParleyError
from storage.database import Database
from storage.errors import TooMany

TOKEN_BYTES: Final = 16
VALID_S: Final = 600.0
MOST_OPEN: Final = 500
"""Invitations that may wait to be used at once."""
REMEMBERED_S: Final = 86_400.0
"""For so long after its end, whoever comes with an invitation is told that it is used or too old, and not that there is none."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


class Refusal(StrEnum):
    """Why somebody may not come in; the key of the text is ``invite.`` and this."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"


_WHAT: Final = {
    Refusal.UNKNOWN: "This link is not one of mine; perhaps a part of it is missing.",
    Refusal.EXPIRED: "This link is too old: links can be used for 10 minutes.",
    Refusal.USED: "This link has been used already: each can be used once.",
}
NEXT_STEP: Final = "Ask for a new one; it is made with /calllink."


class InviteRefused(ParleyError):
    """Whoever comes with this token may not come in; the text is for them."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(_WHAT[why], NEXT_STEP, key=f"invite.{why}")
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """What a token is good for.

    ``chat_id`` is the chat whose persona, language and voice are used (``None``: those of the settings), ``language`` one to be used
    instead of the chat's, ``longest_s`` how long the call may last at most (``None``: as long as any). ``opening`` and ``purpose`` are
    those of :class:`calls.guest_calls.GuestWishes`.
    """

    chat_id: int | None = None
    language: str | None = None
    longest_s: float | None = None
    opening: str | None = None
    purpose: str = ""


_FIELDS: Final = tuple(field.name for field in fields(Invite))
_COLUMNS: Final = ", ".join(_FIELDS)


async def create(database: Database, invite: Invite, by: int, now: float) -> str:
    """A token for one call, which can be used for :data:`VALID_S`; it is told here and kept nowhere. ``by`` is the user who asked for it.

    :raises storage.errors.TooMany: there are as many as there can be.
    :raises storage.errors.StorageError: it could not be kept.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = (_hash(token), *astuple(invite), by, now, now + VALID_S)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM invites WHERE expires_at < ?", (now - REMEMBERED_S,))
        ((many,),) = await connection.execute_fetchall("SELECT count(*) FROM invites WHERE expires_at > ? AND used_at IS NULL", (now,))
        if many >= MOST_OPEN:
            raise TooMany(
                f"{MOST_OPEN} links wait to be used already.", "Use one of them, or wait 10 minutes.", key="invite.too_many",
                fields={"limit": MOST_OPEN},
            )  # fmt: skip
        await connection.execute(
            f"INSERT INTO invites (token_hash, {_COLUMNS}, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    return token


async def redeem(database: Database, token: str, now: float) -> Invite:
    """Use the token up: of several who come with it at once, one is let in.

    :raises InviteRefused: it is not known, too old, or used.
    :raises storage.errors.StorageError: it could not be looked up.
    """
    if not _TOKEN.fullmatch(token):
        raise InviteRefused(Refusal.UNKNOWN)
    async with database.transaction() as connection:
        found = await connection.execute_fetchall(
            f"SELECT expires_at, used_at, {_COLUMNS} FROM invites WHERE token_hash = ?", (_hash(token),)
        )
        for expires_at, used_at, *good_for in found:
            if used_at is not None:
                raise InviteRefused(Refusal.USED)
            if now >= expires_at:
                raise InviteRefused(Refusal.EXPIRED)
            await connection.execute("UPDATE invites SET used_at = ? WHERE token_hash = ?", (now, _hash(token)))
            return Invite(**dict(zip(_FIELDS, good_for, strict=True)))
    raise InviteRefused(Refusal.UNKNOWN)


def _hash(token: str) -> bytes:
    """128 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()
