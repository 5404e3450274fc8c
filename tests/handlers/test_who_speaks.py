from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from telethon.errors import ChatAdminRequiredError
from telethon.tl import types

from handlers.authority import ASKED_AGAIN_AFTER_S, KNOWN_FOR_S, Admins, Authorities
from handlers.command import Authority
from handlers.dispatch import is_spoken_by_its_sender

CHAT, ANN, BOB, OWN = -1_000_000_005_001, 7, 8, 99
BASIC = -5001


def spoken(**fields: Any) -> Any:
    usual = {"out": False, "fwd_from": None, "via_bot_id": None, "edit_date": None, "action": None}
    return SimpleNamespace(**(usual | fields))


def test_a_plain_message_is_spoken_by_its_sender() -> None:
    assert is_spoken_by_its_sender(spoken())


@pytest.mark.parametrize("field", ["fwd_from", "via_bot_id", "edit_date", "action"])
def test_forwarded_via_bot_edited_and_service_messages_are_not(field: str) -> None:
    assert not is_spoken_by_its_sender(spoken(**{field: 1}))


class Client:
    """Answers who may what."""

    def __init__(self, *participants: Any) -> None:
        self.participants: Any = participants
        self.asked: list[Any] = []

    def add_event_handler(self, *_: Any) -> None: ...

    async def __call__(self, request: Any) -> Any:
        self.asked.append(request)
        if isinstance(self.participants, Exception):
            raise self.participants
        inner = SimpleNamespace(participants=SimpleNamespace(participants=self.participants))
        return SimpleNamespace(participants=self.participants, full_chat=inner)


class Message(SimpleNamespace):
    async def get_input_chat(self) -> Any:
        return types.InputPeerChat(-BASIC) if self.chat_id == BASIC else types.InputPeerChannel(5001, 1)


def message(sender_id: int | None = ANN, chat_id: int = CHAT, **fields: Any) -> Any:
    return Message(**({"chat_id": chat_id, "id": 99, "sender_id": sender_id, "out": False, "is_private": False} | fields))


class Lists:
    """Sudo, authorised, black list."""

    def __init__(self, sudo: Collection[int] = (), authorised: Collection[int] = (), blacklisted: Collection[int] = ()) -> None:
        self._lists = (sudo, authorised, blacklisted)

    async def sudo(self) -> Collection[int]:
        return self._lists[0]

    async def authorised(self, chat_id: int) -> Collection[int]:
        return self._lists[1]

    async def blacklisted(self) -> Collection[int]:
        return self._lists[2]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def admin(user_id: int, **rights: bool) -> types.ChannelParticipantAdmin:
    return types.ChannelParticipantAdmin(user_id, 1, None, types.ChatAdminRights(**rights))


def creator(user_id: int) -> types.ChannelParticipantCreator:
    return types.ChannelParticipantCreator(user_id, types.ChatAdminRights())


def authorities(client: Any, lists: Lists | None = None, clock: Clock | None = None) -> Authorities:
    return Authorities(Admins(client, clock or Clock()), lists or Lists(), {OWN})


@pytest.mark.parametrize(
    ("participant", "level"),
    [
        (creator(ANN), Authority.CALL_MANAGER),
        (admin(ANN, manage_call=True), Authority.CALL_MANAGER),
        (admin(ANN, delete_messages=True), Authority.MEMBER),
        (admin(BOB, manage_call=True), Authority.MEMBER),
        (types.ChatParticipantCreator(ANN), Authority.CALL_MANAGER),
        (types.ChatParticipantAdmin(ANN, 1, None), Authority.CALL_MANAGER),
        (types.ChatParticipant(ANN, 1, None), Authority.MEMBER),
    ],
)
async def test_what_telegram_says_of_the_sender(participant: Any, level: Authority) -> None:
    chat_id = BASIC if type(participant).__name__.startswith("ChatParticipant") else CHAT
    assert await authorities(Client(participant)).of(message(chat_id=chat_id), Authority.CALL_MANAGER) is level


@pytest.mark.parametrize("sender_id", [CHAT, None])
async def test_an_anonymous_admin_speaks_as_the_chat_itself_or_without_a_name(sender_id: int | None) -> None:
    client = Client()
    assert await authorities(client).of(message(sender_id=sender_id), Authority.CALL_MANAGER) is Authority.CALL_MANAGER
    assert client.asked == []


async def test_another_channel_is_a_stranger() -> None:
    client = Client(creator(ANN))
    assert await authorities(client).of(message(sender_id=-1_000_000_000_042), Authority.CALL_MANAGER) is Authority.STRANGER


@pytest.mark.parametrize("fields", [{"out": True}, {"sender_id": OWN}])
async def test_the_account_itself_and_the_owner_own_everything(fields: dict[str, Any]) -> None:
    assert await authorities(Client()).of(message(**fields), Authority.OWNER) is Authority.OWNER


async def test_the_lists_count() -> None:
    who = authorities(Client(), Lists(sudo={ANN}, authorised={BOB}))
    assert await who.of(message(), Authority.SUDO) is Authority.SUDO
    assert await who.of(message(sender_id=BOB), Authority.AUTHORISED) is Authority.AUTHORISED
    assert await who.of(message(sender_id=9), Authority.AUTHORISED) is Authority.MEMBER


async def test_in_private_everybody_is_a_stranger_who_is_on_no_list() -> None:
    who = authorities(Client(), Lists(sudo={ANN}, authorised={BOB}))
    private = {"is_private": True}
    assert await who.of(message(9, 9, **private), Authority.MEMBER) is Authority.STRANGER
    assert await who.of(message(BOB, BOB, **private), Authority.MEMBER) is Authority.AUTHORISED
    assert await who.of(message(ANN, ANN, **private), Authority.MEMBER) is Authority.SUDO


async def test_the_black_list_holds_for_people_and_chats_and_never_for_an_owner() -> None:
    who = authorities(Client(), Lists(blacklisted={BOB, CHAT}))
    assert await who.shut_out(message(sender_id=BOB, chat_id=BASIC))
    assert await who.shut_out(message())
    assert not await who.shut_out(message(chat_id=BASIC))
    assert not await who.shut_out(message(sender_id=OWN))


async def test_admins_are_remembered_and_who_is_none_is_soon_looked_for_again() -> None:
    client, clock = Client(creator(BOB)), Clock()
    who = authorities(client, clock=clock)
    for _ in range(2):
        assert await who.of(message(), Authority.CALL_MANAGER) is Authority.MEMBER
    assert len(client.asked) == 1
    client.participants = [creator(ANN)]
    clock.now_s += ASKED_AGAIN_AFTER_S - 1
    assert await who.of(message(), Authority.CALL_MANAGER) is Authority.MEMBER
    clock.now_s += 2
    assert await who.of(message(), Authority.CALL_MANAGER) is Authority.CALL_MANAGER
    clock.now_s += KNOWN_FOR_S - 1
    assert await who.of(message(), Authority.CALL_MANAGER) is Authority.CALL_MANAGER
    assert len(client.asked) == 2


async def test_one_list_serves_everybody_in_the_chat() -> None:
    client = Client(creator(ANN))
    who = authorities(client)
    for sender_id in range(7, 27):
        await who.of(message(sender_id), Authority.CALL_MANAGER)
    assert len(client.asked) == 1


async def test_a_change_of_the_chat_has_telegram_asked_again() -> None:
    client = Client(creator(ANN))
    admins = Admins(client, Clock())
    assert await admins.include(message(), 15.0)
    client.participants = []
    await admins._on_update(types.UpdateChannel(5001))
    assert not await admins.include(message(), 15.0)


async def test_before_something_destructive_telegram_is_asked_anew() -> None:
    client = Client(creator(ANN))
    who = authorities(client)
    assert await who.of(message(), Authority.CALL_MANAGER) is Authority.CALL_MANAGER
    client.participants = []
    assert await who.of(message(), Authority.CALL_MANAGER) is Authority.CALL_MANAGER
    assert await who.anew(message()) is Authority.MEMBER
    assert len(client.asked) == 2


async def test_what_telegram_does_not_tell_matters_only_where_it_decides() -> None:
    client = Client()
    client.participants = ChatAdminRequiredError(None)
    assert await authorities(client).of(message(), Authority.MEMBER) is Authority.MEMBER
    with pytest.raises(ChatAdminRequiredError):
        await authorities(client).of(message(), Authority.CALL_MANAGER)
