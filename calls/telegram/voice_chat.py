"""Which voice chat a chat has, found out by requests of our own before the call library is asked for anything.

The library takes every failure of its look-up for "no voice chat", a flood wait included, and could then create one, which ends
the running one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import GroupcallForbiddenError, GroupcallInvalidError
from telethon.tl import functions, types

PAGE: Final = 100
"""Participants asked for with the look-up; the rest follows after the join."""


class VoiceChatKind(StrEnum):
    """What there is to join."""

    NONE = "none"
    ACTIVE = "active"
    SCHEDULED = "scheduled"
    RTMP = "rtmp"


@dataclass(frozen=True, slots=True)
class VoiceChat:
    """The voice chat of a chat; ``call`` is set unless there is none, ``starts_at`` when it is scheduled.

    ``people`` is how many are in it, ``own_inside`` whether the account itself is, ``version`` that of the list of participants.
    """

    kind: VoiceChatKind
    call: types.InputGroupCall | None = None
    starts_at: datetime | None = None
    people: int = 0
    own_inside: bool = False
    version: int = 0


NO_VOICE_CHAT: Final = VoiceChat(VoiceChatKind.NONE)


async def look_up(client: TelegramClient, peer: Any) -> VoiceChat:
    """Find and classify the voice chat of ``peer`` (an input peer) with at most two requests; never creates one.

    :raises telethon.errors.RPCError: Telegram refused (flood wait, no access, ...): it is not known whether there is one.
    """
    call = await _call_of(client, peer)
    if not isinstance(call, types.InputGroupCall):
        return NO_VOICE_CHAT
    try:
        found = await client(functions.phone.GetGroupCallRequest(call, limit=PAGE))
    except (GroupcallInvalidError, GroupcallForbiddenError):
        return NO_VOICE_CHAT
    return _classified(call, found)


async def _call_of(client: TelegramClient, peer: Any) -> Any:
    if isinstance(peer, types.InputPeerChannel | types.InputPeerChannelFromMessage):
        full = await client(functions.channels.GetFullChannelRequest(peer))
    elif isinstance(peer, types.InputPeerChat):
        full = await client(functions.messages.GetFullChatRequest(peer.chat_id))
    else:
        return None
    return full.full_chat.call


def _classified(call: types.InputGroupCall, answer: Any) -> VoiceChat:
    found = answer.call
    if not isinstance(found, types.GroupCall):
        return NO_VOICE_CHAT
    if found.schedule_date is not None:
        return VoiceChat(VoiceChatKind.SCHEDULED, call, found.schedule_date)
    kind = VoiceChatKind.RTMP if found.rtmp_stream else VoiceChatKind.ACTIVE
    own_inside = any(row.is_self for row in answer.participants)
    return VoiceChat(kind, call, people=found.participants_count, own_inside=own_inside, version=found.version)
