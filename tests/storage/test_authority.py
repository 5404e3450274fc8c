from __future__ import annotations

import pytest

from errors import ParleyError
from storage import authority
from storage.database import Database


async def test_nobody_is_trusted_by_default(database: Database) -> None:
    assert await authority.sudo(database) == set()
    assert await authority.authorised(database, -5) == set()
    assert await authority.blacklisted(database) == set()


async def test_trust_is_given_and_taken_back(database: Database) -> None:
    assert await authority.add_sudo(database, 7, by=1, at=1.0)
    assert not await authority.add_sudo(database, 7, by=1, at=2.0)
    assert await authority.sudo(database) == {7}
    assert await authority.remove_sudo(database, 7)
    assert not await authority.remove_sudo(database, 7)
    assert await authority.sudo(database) == set()


async def test_an_authorisation_is_of_one_chat(database: Database) -> None:
    assert await authority.authorise(database, -5, 7, by=1, at=1.0)
    assert await authority.authorised(database, -5) == {7}
    assert await authority.authorised(database, -6) == set()
    assert not await authority.unauthorise(database, -6, 7)
    assert await authority.unauthorise(database, -5, 7)
    assert await authority.authorised(database, -5) == set()


async def test_a_chat_has_at_most_25_authorised_people(database: Database) -> None:
    for user in range(25):
        await authority.authorise(database, -5, user, by=1, at=1.0)
    with pytest.raises(ParleyError, match=r"has 25 authorised people already\. Take one away with /unauth first\."):
        await authority.authorise(database, -5, 99, by=1, at=1.0)
    assert await authority.authorised(database, -5) == set(range(25))
    assert not await authority.authorise(database, -5, 3, by=1, at=2.0)
    assert await authority.authorise(database, -6, 99, by=1, at=1.0)


async def test_users_and_chats_are_blacklisted_and_heard_again(database: Database) -> None:
    assert await authority.blacklist(database, 7, by=1, at=1.0)
    assert await authority.blacklist(database, -1_000_000_005_001, by=1, at=1.0)
    assert not await authority.blacklist(database, 7, by=1, at=2.0)
    assert await authority.blacklisted(database) == {7, -1_000_000_005_001}
    assert await authority.unblacklist(database, 7)
    assert await authority.blacklisted(database) == {-1_000_000_005_001}
