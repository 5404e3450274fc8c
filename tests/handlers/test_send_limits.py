import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import errors

from handlers.send_limits import MUTED_S, Sending, SendLimits
from handlers.sender import ChatWriter, OwnMessages, Sender
from tests.calls.virtual_time import run_in_virtual_time

HERE, THERE = -1_000_000_005_001, -1_000_000_005_002


def noted(error: Exception, sending: Sending = Sending.TEXT) -> Callable[..., bool]:
    limits = SendLimits()
    limits.note(sending, HERE, error, 100.0)

    def allow(sending: Sending, chat_id: int, after_s: float, asked_for: bool = True) -> bool:
        return limits.allow(sending, chat_id, 100.0 + after_s, asked_for=asked_for)

    return allow


def test_slow_mode_is_of_one_chat_and_lets_edits_through() -> None:
    allow = noted(errors.SlowModeWaitError(None, 30))
    assert not allow(Sending.TEXT, HERE, 29)
    assert not allow(Sending.NOTE, HERE, 29)
    assert allow(Sending.TEXT, HERE, 30)
    assert allow(Sending.EDIT, HERE, 0)
    assert allow(Sending.TEXT, THERE, 0)


@pytest.mark.parametrize("kind", [errors.FloodWaitError, errors.FloodPremiumWaitError])
def test_a_flood_wait_is_of_one_way_of_writing_everywhere(kind: Any) -> None:
    allow = noted(kind(None, 40), Sending.EDIT)
    assert not allow(Sending.EDIT, THERE, 39)
    assert allow(Sending.EDIT, THERE, 40)
    assert allow(Sending.TEXT, HERE, 0)


def test_where_nothing_may_be_written_nothing_is_tried_for_a_while() -> None:
    allow = noted(errors.ChatWriteForbiddenError(None))
    assert not allow(Sending.TEXT, HERE, MUTED_S - 1)
    assert not allow(Sending.EDIT, HERE, MUTED_S - 1)
    assert allow(Sending.TEXT, HERE, MUTED_S)
    assert allow(Sending.TEXT, THERE, 0)


def test_who_asks_from_a_chat_that_we_were_out_of_is_answered() -> None:
    allow = noted(errors.ChannelPrivateError(None))
    assert not allow(Sending.TEXT, HERE, 5, asked_for=False)
    assert allow(Sending.TEXT, HERE, 5)


def test_a_limited_account_writes_only_what_was_asked_for() -> None:
    allow = noted(errors.PeerFloodError(None))
    assert allow(Sending.TEXT, HERE, 9)
    assert not allow(Sending.TEXT, THERE, 9, asked_for=False)


def test_a_frozen_account_writes_nothing() -> None:
    allow = noted(errors.FrozenMethodInvalidError(None))
    assert not allow(Sending.TEXT, THERE, 1e9)


def test_a_forbidden_voice_note_forbids_no_text() -> None:
    assert noted(errors.ChatSendVoicesForbiddenError(None), Sending.NOTE)(Sending.TEXT, HERE, 0)


class Client:
    """Refuses with the errors it is given, one each time."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.sent: list[str] = []

    async def send_message(self, chat: Any, text: str, **_: Any) -> Any:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(text)
        return SimpleNamespace(id=len(self.sent))


def sender(client: Client, **options: Any) -> Sender:
    telegram: Any = client
    return Sender(telegram, "/.!", OwnMessages(), asyncio.get_running_loop().time, **options)


def test_in_slow_mode_the_newest_text_is_sent_when_it_may_be() -> None:
    async def three_texts() -> None:
        client = Client(errors.SlowModeWaitError(None, 30))
        one = sender(client)
        assert [await one.send("chat", HERE, text) for text in ("first", "second", "third")] == [None, None, None]
        await asyncio.sleep(29)
        assert client.sent == []
        await asyncio.sleep(2)
        assert client.sent == ["third"]
        await one.close()

    run_in_virtual_time(three_texts())


def test_what_waits_is_not_sent_any_more_after_the_end() -> None:
    async def a_text_and_the_end() -> None:
        client = Client(errors.SlowModeWaitError(None, 30))
        one = sender(client)
        await one.send("chat", HERE, "first")
        await one.close()
        await asyncio.sleep(60)
        assert client.sent == []

    run_in_virtual_time(a_text_and_the_end())


async def test_the_owner_is_told_though_the_account_is_limited() -> None:
    refused: list[Exception] = []
    client = Client(errors.PeerFloodError(None))

    async def input_peer(chat_id: int) -> int:
        return chat_id

    writer = ChatWriter(input_peer, sender(client, refused=refused.append), owner_chat=THERE)
    assert await writer.send(HERE, "news") is None
    assert await writer.send(HERE, "more news") is None
    assert await writer.send(THERE, "trouble") == 1
    assert [type(error) for error in refused] == [errors.PeerFloodError]
