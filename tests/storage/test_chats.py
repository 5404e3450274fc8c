from __future__ import annotations

from pathlib import Path

import pytest

from storage import chats
from storage.chats import ChatSettings
from storage.database import Database
from storage.errors import StorageError

CHAT = -1_000_000_005_001


async def test_a_chat_nobody_has_changed_has_the_defaults(database: Database) -> None:
    assert await chats.get(database, CHAT) == ChatSettings(chat_id=CHAT)


async def test_what_is_changed_holds_after_a_restart_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "parley.db"
    first = await Database.open(path)
    await chats.change(first, CHAT, title="Book club", auto_join=True, min_participants=3, quiet_from="22:00", quiet_until="07:00")
    changed = await chats.change(first, CHAT, mode="always", rate="+10%", tts_on=False, cooldown_s=2.5, join_as=-1_000_000_000_007)
    await first.close()

    second = await Database.open(path)
    assert await chats.get(second, CHAT) == changed
    await second.close()
    assert changed == ChatSettings(
        chat_id=CHAT, title="Book club", auto_join=True, min_participants=3, quiet_from="22:00", quiet_until="07:00",
        mode="always", rate="+10%", tts_on=False, cooldown_s=2.5, join_as=-1_000_000_000_007,
    )  # fmt: skip


async def test_a_setting_is_given_back_to_the_program(database: Database) -> None:
    await chats.change(database, CHAT, language="ca", persona="a pirate")
    assert (await chats.change(database, CHAT, language=None)).language is None
    assert (await chats.get(database, CHAT)).persona == "a pirate"


async def test_a_setting_that_there_is_none_of_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="no setting colour, volume"):
        await chats.change(database, CHAT, volume=3, colour="red", title="x")
    with pytest.raises(ValueError, match="chat_id"):
        await chats.change(database, CHAT, **{"chat_id; DROP TABLE chats": 1})
    assert await chats.get(database, CHAT) == ChatSettings(chat_id=CHAT)


async def test_a_value_that_cannot_be_is_refused_and_nothing_changes(database: Database) -> None:
    await chats.change(database, CHAT, min_participants=4)
    with pytest.raises(StorageError):
        await chats.change(database, CHAT, title="x", min_participants=0)
    assert await chats.get(database, CHAT) == ChatSettings(chat_id=CHAT, min_participants=4)


async def test_the_chats_that_are_joined_unasked(database: Database) -> None:
    for chat_id, auto_join in ((-1, True), (-2, False), (-3, True)):
        await chats.change(database, chat_id, auto_join=auto_join)
    await chats.change(database, -3, auto_join=False)
    assert [chat.chat_id for chat in await chats.with_auto_join(database)] == [-1]


async def test_a_chat_without_changes_can_be_kept(database: Database) -> None:
    assert await chats.change(database, CHAT) == ChatSettings(chat_id=CHAT)


async def test_a_forgotten_chat_has_the_defaults_again(database: Database) -> None:
    await chats.change(database, CHAT, auto_join=True, disabled_reason="no rights")
    await chats.forget(database, CHAT)
    assert await chats.get(database, CHAT) == ChatSettings(chat_id=CHAT)
    assert await chats.with_auto_join(database) == []
