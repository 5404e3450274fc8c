from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import errors as telegram_errors
from telethon.tl import functions, types

from calls.autojoin import Running, Seen
from calls.errors import CallError
from calls.gates import FULL_CHAT, Gates
from calls.telegram.voice_chats import MOST_CHATS, VoiceChats

CHAT = -1_000_000_005_001
PEER = types.PeerChannel(5001)
START = datetime(2026, 12, 1, 18, 30, tzinfo=UTC)


def a_call(people: int = 1, version: int = 1, call_id: int = 7, **flags: Any) -> types.GroupCall:
    return types.GroupCall(call_id, 8, people, unmuted_video_limit=30, version=version, **flags)


def told(call: Any, peer: Any = PEER) -> types.UpdateGroupCall:
    return types.UpdateGroupCall(call, peer=peer)


def people(version: int, *rows: dict[str, bool], call_id: int = 7) -> types.UpdateGroupCallParticipants:
    participants = [types.GroupCallParticipant(types.PeerUser(1), START, 1, **row) for row in rows]
    return types.UpdateGroupCallParticipants(types.InputGroupCall(call_id, 8), participants, version)


class Account:
    """An account whose requests a test answers."""

    def __init__(self) -> None:
        self.client: Any = self
        self.updates: Any = self
        self.gates = Gates(lambda: 0.0)
        self.answer: Any = None
        self.listener: Callable[[Any], None] = lambda _update: None
        self.dead: list[Exception] = []

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        self.listener = listener
        return lambda: None

    async def input_peer(self, chat_id: int) -> Any:
        if chat_id != CHAT:
            raise ValueError("not known")
        return types.InputPeerChannel(5001, 1)

    def note_dead(self, error: Exception) -> None:
        self.dead.append(error)

    async def __call__(self, request: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(request, functions.phone.GetGroupCallRequest):
            return SimpleNamespace(call=self.answer, participants=[])
        call = types.InputGroupCall(self.answer.id, 8) if self.answer else None
        return SimpleNamespace(full_chat=SimpleNamespace(call=call))


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def known(account: Account) -> VoiceChats:
    anything: Any = account
    return VoiceChats(anything)


def test_at_first_nothing_is_known(known: VoiceChats) -> None:
    assert known.seen(CHAT) == Seen()
    assert known.voice_chat_id(CHAT) is None


def test_updates_tell_what_runs_where(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(3)))
    assert known.seen(CHAT) == Seen(Running.VOICE_CHAT, 7, 3)
    assert known.voice_chat_id(CHAT) == 7
    account.listener(told(types.GroupCallDiscarded(7, 8, 60)))
    assert known.seen(CHAT) == Seen(Running.NOTHING)


def test_scheduled_ones_and_livestreams_are_told_apart(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(schedule_date=START)))
    assert known.seen(CHAT) == Seen(Running.SCHEDULED, 7, 1, starts_at=START)
    account.listener(told(a_call(rtmp_stream=True, version=2)))
    assert known.seen(CHAT).running is Running.LIVESTREAM


def test_people_are_counted_by_updates_and_by_what_telegram_counts(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(1, 1)))
    account.listener(people(2, {"just_joined": True}, {"just_joined": True}))
    assert known.seen(CHAT).people == 3
    account.listener(told(a_call(3, 2)))
    account.listener(people(3, {"left": True}))
    account.listener(people(3, {"left": True}))
    account.listener(people(4, {"muted": True}))
    assert known.seen(CHAT).people == 2


def test_old_news_is_ignored(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(5, 9)))
    account.listener(told(a_call(1, 3)))
    account.listener(people(4, {"just_joined": True}))
    account.listener(told(types.GroupCallDiscarded(6, 8, 60)))
    assert known.seen(CHAT).people == 5


def test_a_new_voice_chat_takes_the_place_of_the_old_one(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(5, 9)))
    account.listener(told(a_call(1, 1, call_id=70)))
    account.listener(people(10, {"just_joined": True}))
    assert known.seen(CHAT) == Seen(Running.VOICE_CHAT, 70, 1)


def test_an_update_that_does_not_name_the_chat_is_known_by_its_call(account: Account, known: VoiceChats) -> None:
    account.listener(told(a_call(5, 9), peer=None))
    assert known.seen(CHAT) == Seen()
    account.listener(told(a_call(5, 9)))
    account.listener(told(a_call(6, 10), peer=None))
    assert known.seen(CHAT).people == 6


def test_listeners_hear_of_changes_only(account: Account, known: VoiceChats) -> None:
    heard: list[int] = []
    stop = known.subscribe(heard.append)
    account.listener(told(a_call(1, 1)))
    account.listener(told(a_call(1, 2)))
    account.listener(people(3, {"muted": True}))
    assert heard == [CHAT]
    stop()
    account.listener(told(a_call(2, 4)))
    assert heard == [CHAT]


async def test_telegram_is_asked(account: Account, known: VoiceChats) -> None:
    account.answer = a_call(4, 6)
    assert await known.look_up(CHAT) == Seen(Running.VOICE_CHAT, 7, 4)
    assert known.looked_up_ago_s(CHAT) is not None
    account.answer = None
    assert await known.look_up(CHAT) == Seen(Running.NOTHING)
    known.forget_age()
    assert known.looked_up_ago_s(CHAT) is None
    assert known.seen(CHAT) == Seen(Running.NOTHING)


async def test_a_flood_wait_closes_the_gate(account: Account, known: VoiceChats) -> None:
    account.answer = telegram_errors.FloodWaitError(None, 40)
    with pytest.raises(CallError, match="40 seconds"):
        await known.look_up(CHAT)
    assert account.gates.closed_for_s(FULL_CHAT) == 40
    account.answer = None
    with pytest.raises(CallError, match="40 seconds"):
        await known.look_up(CHAT)


async def test_a_chat_that_the_account_is_not_in_is_told(known: VoiceChats) -> None:
    with pytest.raises(CallError):
        await known.look_up(CHAT - 1)


async def test_a_dead_session_is_passed_on(account: Account, known: VoiceChats) -> None:
    account.answer = telegram_errors.SessionRevokedError(None)
    with pytest.raises(CallError, match="no longer valid"):
        await known.look_up(CHAT)
    assert [type(error) for error in account.dead] == [telegram_errors.SessionRevokedError]


def test_no_more_chats_are_remembered_than_that(account: Account, known: VoiceChats) -> None:
    for number in range(MOST_CHATS + 1):
        account.listener(told(a_call(call_id=number + 1), types.PeerChannel(number + 1)))
    assert known.seen(-1_000_000_000_001) == Seen()
    assert known.seen(-1_000_000_000_002).running is Running.VOICE_CHAT
