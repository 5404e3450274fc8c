from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import errors
from telethon.tl import functions, types

from calls.errors import CallError
from calls.telegram.joining import _joinable
from calls.telegram.voice_chat import NO_VOICE_CHAT, VoiceChat, VoiceChatKind, look_up

CALL = types.InputGroupCall(7, 8)
CHANNEL = types.InputPeerChannel(5001, 1)
START = datetime(2026, 12, 1, 18, 30, tzinfo=UTC)


def group_call(**flags: Any) -> Any:
    return types.GroupCall(id=7, access_hash=8, participants_count=1, unmuted_video_limit=30, version=1, **flags)


class Telegram:
    """Answers the two look-up requests; an exception is raised."""

    def __init__(self, call: Any, found: Any = None) -> None:
        self.answers = {
            functions.channels.GetFullChannelRequest: call,
            functions.messages.GetFullChatRequest: call,
            functions.phone.GetGroupCallRequest: found,
        }
        self.asked: list[str] = []
        self.participants: list[Any] = []

    async def __call__(self, request: Any) -> Any:
        self.asked.append(type(request).__name__)
        answer = self.answers[type(request)]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(request, functions.phone.GetGroupCallRequest):
            return SimpleNamespace(call=answer, participants=self.participants)
        return SimpleNamespace(full_chat=SimpleNamespace(call=answer))


async def test_none() -> None:
    assert await look_up(Telegram(None), CHANNEL) == NO_VOICE_CHAT


async def test_active() -> None:
    assert await look_up(Telegram(CALL, group_call()), CHANNEL) == VoiceChat(VoiceChatKind.ACTIVE, CALL, people=1, version=1)


async def test_our_own_account_among_the_people_is_noticed() -> None:
    telegram = Telegram(CALL, group_call())
    telegram.participants = [types.GroupCallParticipant(types.PeerUser(3), START, 1, is_self=True)]
    assert (await look_up(telegram, CHANNEL)).own_inside


async def test_active_in_a_basic_group() -> None:
    telegram = Telegram(CALL, group_call())
    assert (await look_up(telegram, types.InputPeerChat(12))).kind is VoiceChatKind.ACTIVE
    assert telegram.asked == ["GetFullChatRequest", "GetGroupCallRequest"]


async def test_scheduled() -> None:
    assert await look_up(Telegram(CALL, group_call(schedule_date=START)), CHANNEL) == VoiceChat(VoiceChatKind.SCHEDULED, CALL, START)


async def test_livestream_of_streaming_software() -> None:
    assert (await look_up(Telegram(CALL, group_call(rtmp_stream=True)), CHANNEL)).kind is VoiceChatKind.RTMP


@pytest.mark.parametrize(
    "found", [types.GroupCallDiscarded(7, 8, 60), errors.GroupcallInvalidError(None), errors.GroupcallForbiddenError(None)]
)
async def test_one_that_has_just_ended_is_none(found: Any) -> None:
    assert await look_up(Telegram(CALL, found), CHANNEL) == NO_VOICE_CHAT


async def test_a_refusal_is_not_taken_for_none() -> None:
    with pytest.raises(errors.FloodWaitError):
        await look_up(Telegram(errors.FloodWaitError(None, 90)), CHANNEL)


async def test_a_private_chat_has_none() -> None:
    assert await look_up(Telegram(None), types.InputPeerUser(5, 6)) == NO_VOICE_CHAT


@pytest.mark.parametrize(
    ("voice_chat", "told"),
    [
        (NO_VOICE_CHAT, "No active voice chat. Start one and send /joincall again."),
        (
            VoiceChat(VoiceChatKind.SCHEDULED, CALL, START),
            "The voice chat starts at 2026-12-01 18:30 UTC. I will join then.",
        ),
        (
            VoiceChat(VoiceChatKind.RTMP, CALL),
            "This is a livestream fed by streaming software (RTMP), which nobody can speak in. Start an ordinary voice chat.",
        ),
    ],
)
def test_what_cannot_be_joined_is_told_with_the_next_step(voice_chat: VoiceChat, told: str) -> None:
    with pytest.raises(CallError) as refusal:
        _joinable(voice_chat)
    assert str(refusal.value) == told
