"""The errors of Telegram that a program must cope with, as faults that are called by a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

from loopback.mtproto.wire import RpcFailure
from loopback.world.chats import Chat
from loopback.world.faults import REMAINING, Fault

SENDING: Final = ("messages.SendMessage", "messages.SendMedia", "messages.SendMultiMedia")
JOINING: Final = ("phone.JoinGroupCall",)
EVERYTHING: Final = ("*",)
PRIVATE: Final = "CHANNEL_PRIVATE"
NEEDS_CHAT: Final = frozenset({"channel_private"})


class UnknownFault(ValueError):
    """There is no fault of that name, or it was asked for in a way it can't be had."""


@dataclass(frozen=True, slots=True)
class NamedFault:
    """One error as methods (by glob) answer with it. ``{seconds}`` in ``message`` is what the caller gives, or ``seconds``.

    ``lasts_seconds``: it is over when those seconds are; the number in the error counts down with them.
    """

    code: int
    message: str
    methods: tuple[str, ...]
    times: float = inf
    seconds: int = 30
    lasts_seconds: bool = False


NAMED_FAULTS: Final = {
    "call_forbidden": NamedFault(403, "GROUPCALL_FORBIDDEN", JOINING),
    "call_invalid": NamedFault(400, "GROUPCALL_INVALID", JOINING, times=1),
    "ssrc_taken": NamedFault(400, "GROUPCALL_SSRC_DUPLICATE_MUCH", JOINING, times=1),
    "join_missing": NamedFault(400, "GROUPCALL_JOIN_MISSING", ("phone.CheckGroupCall",), times=1),
    "participant_missing": NamedFault(400, "PARTICIPANT_JOIN_MISSING", ("phone.EditGroupCallParticipant",), times=1),
    "not_participant": NamedFault(400, "USER_NOT_PARTICIPANT", JOINING),
    "admin_required": NamedFault(400, "CHAT_ADMIN_REQUIRED", ("phone.*",)),
    "join_as_refused": NamedFault(400, "JOIN_AS_PEER_INVALID", JOINING),
    "flood": NamedFault(420, "FLOOD_WAIT_{seconds}", ("phone.*", "messages.*", "channels.*"), lasts_seconds=True),
    "premium_flood": NamedFault(420, "FLOOD_PREMIUM_WAIT_{seconds}", ("upload.*",), times=1),
    "edit_flood": NamedFault(420, "FLOOD_WAIT_{seconds}", ("messages.EditMessage",), seconds=40, lasts_seconds=True),
    "slow_mode": NamedFault(420, "SLOWMODE_WAIT_{seconds}", SENDING, lasts_seconds=True),
    "peer_flood": NamedFault(400, "PEER_FLOOD", SENDING),
    "frozen": NamedFault(420, "FROZEN_METHOD_INVALID", (*JOINING, *SENDING, "phone.CreateGroupCall", "channels.JoinChannel")),
    "write_forbidden": NamedFault(403, "CHAT_WRITE_FORBIDDEN", (*SENDING, "messages.EditMessage", "messages.SetTyping")),
    "write_banned": NamedFault(400, "USER_BANNED_IN_CHANNEL", SENDING),
    "voice_forbidden": NamedFault(403, "CHAT_SEND_VOICES_FORBIDDEN", ("messages.SendMedia",)),
    "voice_refused": NamedFault(400, "VOICE_MESSAGES_FORBIDDEN", ("messages.SendMedia",)),
    "channel_private": NamedFault(400, PRIVATE, EVERYTHING),
    "reply_gone": NamedFault(400, "REPLY_MESSAGE_ID_INVALID", SENDING, times=1),
    "file_gone": NamedFault(400, "FILE_REFERENCE_EXPIRED", ("upload.GetFile",), times=1),
    "server_error": NamedFault(500, "INTERNAL_SERVER_ERROR", ("phone.*",), times=5),
    "timeout": NamedFault(-503, "Timeout", ("phone.*",), times=1),
    "duplicate": NamedFault(500, "RANDOM_ID_DUPLICATE", SENDING, times=1),
    "session_ended": NamedFault(401, "AUTH_KEY_UNREGISTERED", EVERYTHING),
    "session_revoked": NamedFault(401, "SESSION_REVOKED", EVERYTHING),
    "session_expired": NamedFault(401, "SESSION_EXPIRED", EVERYTHING),
    "session_duplicated": NamedFault(406, "AUTH_KEY_DUPLICATED", EVERYTHING),
    "account_deleted": NamedFault(401, "USER_DEACTIVATED", EVERYTHING),
    "account_banned": NamedFault(401, "USER_DEACTIVATED_BAN", EVERYTHING),
}


def faults_named(
    name: str,
    now: float,
    *,
    account_id: int | None = None,
    chat: Chat | None = None,
    seconds: int | None = None,
    methods: tuple[str, ...] = (),
    times: float | None = None,
) -> Iterator[Fault]:
    """The faults that make up a named one; what is not given is as in :data:`NAMED_FAULTS`.

    :raises UnknownFault: no such name, or ``chat`` is missing.
    """
    named = NAMED_FAULTS.get(name)
    if named is None:
        raise UnknownFault(f"there is no fault {name!r}; known are {', '.join(NAMED_FAULTS)}")
    if name in NEEDS_CHAT and chat is None:
        raise UnknownFault(f"the fault {name!r} is about one chat: name it")
    wait_s = named.seconds if seconds is None else seconds
    message = named.message.replace("{seconds}", REMAINING if named.lasts_seconds else str(wait_s))
    until = now + wait_s if named.lasts_seconds else inf
    most = named.times if times is None else times
    if named.message == PRIVATE:
        # The code of CHANNEL_PRIVATE differs by method.
        yield Fault(("channels.*",), account_id, chat, most, RpcFailure(406, PRIVATE), until=until, name=name)
    yield Fault(methods or named.methods, account_id, chat, most, RpcFailure(named.code, message), until=until, name=name)
