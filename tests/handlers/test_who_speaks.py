from types import SimpleNamespace
from typing import Any

import pytest
from telethon.errors import UserNotParticipantError
from telethon.tl import types

from handlers.authority import GRANTED_FOR_S, REFUSED_FOR_S, CallManagers
from handlers.dispatch import is_spoken_by_its_sender

CHAT, ANN = -1_000_000_005_001, 7
CHANNEL = types.InputPeerChannel(5001, 1)


def spoken(**fields: Any) -> Any:
    usual = {"out": False, "fwd_from": None, "via_bot_id": None, "edit_date": None, "action": None}
    return SimpleNamespace(**(usual | fields))


def test_a_plain_message_is_spoken_by_its_sender() -> None:
    assert is_spoken_by_its_sender(spoken())


@pytest.mark.parametrize("field", ["out", "fwd_from", "via_bot_id", "edit_date", "action"])
def test_own_forwarded_via_bot_edited_and_service_messages_are_not(field: str) -> None:
    assert not is_spoken_by_its_sender(spoken(**{field: 1}))


class Client:
    """Answers who may what."""

    def __init__(self, **rights: bool) -> None:
        self.rights: Any = SimpleNamespace(**{"is_creator": False, "manage_call": False, "is_chat": False, "is_admin": False} | rights)
        self.asked: list[Any] = []

    def add_event_handler(self, *_: Any) -> None: ...

    async def get_permissions(self, chat: Any, user: Any) -> Any:
        self.asked.append(user)
        if isinstance(self.rights, Exception):
            raise self.rights
        return self.rights


class Message(SimpleNamespace):
    async def get_input_chat(self) -> Any:
        return CHANNEL


def message(sender_id: int | None = ANN, input_sender: Any = "ann") -> Any:
    return Message(chat_id=CHAT, id=99, sender_id=sender_id, input_sender=input_sender)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ({"is_creator": True}, True),
        ({"is_admin": True, "manage_call": True}, True),
        ({"is_admin": True}, False),
        ({"is_admin": True, "is_chat": True}, True),
        ({}, False),
    ],
)
async def test_who_may(rights: dict[str, bool], allowed: bool) -> None:
    assert await CallManagers(Client(**rights)).includes(message()) is allowed


async def test_an_anonymous_admin_speaks_as_the_chat_itself() -> None:
    client = Client()
    assert await CallManagers(client).includes(message(sender_id=CHAT))
    assert client.asked == []


@pytest.mark.parametrize("sender_id", [-1_000_000_000_042, None])
async def test_another_channel_may_not(sender_id: int | None) -> None:
    assert not await CallManagers(Client(is_creator=True)).includes(message(sender_id=sender_id))


async def test_a_stranger_is_named_by_way_of_the_message() -> None:
    client = Client(is_creator=True)
    assert await CallManagers(client).includes(message(input_sender=None))
    assert client.asked == [types.InputPeerUserFromMessage(CHANNEL, 99, ANN)]


async def test_who_is_not_in_the_chat_may_not() -> None:
    client = Client()
    client.rights = UserNotParticipantError(None)
    assert not await CallManagers(client).includes(message())


async def test_answers_are_remembered_refusals_only_shortly() -> None:
    client, clock = Client(), Clock()
    managers = CallManagers(client, clock)
    assert not await managers.includes(message())
    assert not await managers.includes(message())
    assert len(client.asked) == 1
    client.rights.is_creator = True
    clock.now_s += REFUSED_FOR_S + 1
    assert await managers.includes(message())
    client.rights.is_creator = False
    clock.now_s += GRANTED_FOR_S - 1
    assert await managers.includes(message())
    managers.forget(CHAT)
    assert not await managers.includes(message())
