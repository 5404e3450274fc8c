"""Invitations to the call page, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from storage import invites
from storage.database import Database
from storage.errors import TooMany
from storage.invites import MOST_OPEN, REMEMBERED_S, VALID_S, Invite, InviteRefused, Refusal

NOW = 1_700_000_000.0
OF_THE_CHAT = Invite(chat_id=-1001234567890, language="ca", longest_s=900.0, opening="Hola!", purpose="Ask about dinner.")


async def refusal(database: Database, token: str, now: float) -> Refusal:
    with pytest.raises(InviteRefused) as refused:
        await invites.redeem(database, token, now)
    assert refused.value.key == f"invite.{refused.value.why}"
    assert "/calllink" in refused.value.next_step
    return refused.value.why


async def test_a_token_is_good_for_what_it_was_made_for_once(database: Database) -> None:
    token = await invites.create(database, OF_THE_CHAT, 42, NOW)
    assert await invites.redeem(database, token, NOW + 1) == OF_THE_CHAT
    assert await refusal(database, token, NOW + 2) is Refusal.USED


async def test_it_can_be_used_for_ten_minutes(database: Database) -> None:
    early, late = [await invites.create(database, Invite(), 42, NOW) for _ in range(2)]
    assert VALID_S == 600.0
    assert await invites.redeem(database, early, NOW + 599.9) == Invite()
    assert await refusal(database, late, NOW + 600.0) is Refusal.EXPIRED


@pytest.mark.parametrize("token", ["", "x" * 22, "x" * 21, "ñ" * 22, "' OR 1=1 --", "x" * 100_000, "x" * 22 + "\n"])
async def test_a_token_that_nobody_made_is_not_known(database: Database, token: str) -> None:
    assert await refusal(database, token, NOW) is Refusal.UNKNOWN


async def test_of_many_who_come_at_once_one_is_let_in(database: Database) -> None:
    token = await invites.create(database, OF_THE_CHAT, 42, NOW)
    came = await asyncio.gather(*(invites.redeem(database, token, NOW) for _ in range(20)), return_exceptions=True)
    assert came.count(OF_THE_CHAT) == 1
    assert all(isinstance(each, InviteRefused) and each.why is Refusal.USED for each in came if each != OF_THE_CHAT)


async def test_the_token_is_kept_nowhere(database: Database) -> None:
    token = await invites.create(database, OF_THE_CHAT, 42, NOW)
    await database.checkpoint()
    assert all(token.encode() not in file.read_bytes() for file in database.path.parent.glob("parley.db*"))


async def test_tokens_differ_and_are_long(database: Database) -> None:
    tokens = {await invites.create(database, Invite(), 42, NOW) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {22}


async def test_so_many_wait_at_most_until_they_are_used_or_too_old(database: Database) -> None:
    async with database.transaction() as connection:
        for each in range(MOST_OPEN):
            row = (each.to_bytes(32, "big"), 42, NOW, NOW + VALID_S)
            await connection.execute("INSERT INTO invites (token_hash, created_by, created_at, expires_at) VALUES (?, ?, ?, ?)", row)
    with pytest.raises(TooMany, match="500 links wait") as refused:
        await invites.create(database, Invite(), 42, NOW + 1)
    assert refused.value.key == "invite.too_many"
    token = await invites.create(database, Invite(), 42, NOW + VALID_S)
    assert await invites.redeem(database, token, NOW + VALID_S) == Invite()


async def test_old_ones_are_forgotten(database: Database) -> None:
    token = await invites.create(database, Invite(), 42, NOW)
    await invites.create(database, Invite(), 42, NOW + VALID_S + REMEMBERED_S - 1)
    assert await refusal(database, token, NOW + 1e6) is Refusal.EXPIRED
    await invites.create(database, Invite(), 42, NOW + VALID_S + REMEMBERED_S + 1)
    assert await refusal(database, token, NOW + 1e6) is Refusal.UNKNOWN
