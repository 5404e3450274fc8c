"""What each failure of Telegram and of the call library means: what to tell the chat, and what to do next. All of it is the table below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import ntgcalls
from pytgcalls import exceptions as library
from telethon import errors

from errors import LineError, ParleyError


class Remedy(StrEnum):
    """What the program does about a failure."""

    NONE = "none"
    """Nothing: a person has to act."""
    RETRY = "retry"
    """Look the voice chat up again and join again, a few times, with a growing pause."""
    RETRY_ONCE = "retry_once"
    """Look the voice chat up again and join once more; then a person has to act."""
    WAIT = "wait"
    """Nothing before the seconds that Telegram asked for are over."""
    DISABLE_CHAT = "disable_chat"
    """Stop trying in this chat until somebody sends /joincall there again."""
    AT_ITS_TIME = "at_its_time"
    """Join when the voice chat begins."""
    STOP_ACCOUNT = "stop_account"
    """No more joins by this account; its owner has to act."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the table: two plain sentences for the chat, the remedy, and the name of the text in the catalogues."""

    what: str
    next_step: str
    remedy: Remedy
    key: str


class CallError(LineError):
    """A voice chat could not be joined; ``remedy`` says what may be done.

    ``retry_after_s`` is how long Telegram wants it left alone, ``starts_at`` when a scheduled voice chat begins.
    """

    def __init__(
        self,
        what: str,
        next_step: str = "",
        remedy: Remedy = Remedy.NONE,
        retry_after_s: int | None = None,
        *,
        starts_at: datetime | None = None,
        key: str = "",
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(what, next_step, key=key, fields=fields)
        self.remedy = remedy
        self.retry_after_s = retry_after_s
        self.starts_at = starts_at


SCHEDULED: Final = "call_error.scheduled"


class JoinRefused(Exception):
    """Telegram refused the join of a voice chat that it lists (it was ended in between, or we may not join it)."""


NO_VOICE_CHAT: Final = Failure("No active voice chat.", "Start one and send /joincall again.", Remedy.NONE, "call_error.no_voice_chat")
RTMP: Final = Failure(
    "This is a livestream fed by streaming software (RTMP), which nobody can speak in.",
    "Start an ordinary voice chat.",
    Remedy.NONE,
    "call_error.rtmp",
)
NOTHING_TO_JOIN: Final = frozenset({NO_VOICE_CHAT.key, RTMP.key, SCHEDULED})
"""What a look shows before anything is asked to be joined."""
NOT_REACHED: Final = Failure(
    "The voice chat could not be joined: no sound connection came about in time.",
    "Send /joincall again in a minute.",
    Remedy.RETRY,
    "call_error.not_reached",
)
REFUSED: Final = Failure(
    "Telegram refused to let me into the voice chat.",
    "Check that my account is a member of this chat and not restricted, then send /joincall again.",
    Remedy.RETRY_ONCE,
    "call_error.refused",
)
NOT_AS_CHANNEL: Final = Failure(
    "Telegram does not let me appear in this voice chat as the channel that was chosen.",
    "Send /joincall as me to have me join as myself.",
    Remedy.NONE,
    "call_error.join_as",
)
NO_ACCESS: Final = Failure(
    "My account has no access to this chat.", "Add it to the chat again, then send /joincall.", Remedy.DISABLE_CHAT, "call_error.no_access"
)  # fmt: skip
DEAD_SESSION: Final = Failure(
    "My Telegram session is no longer valid.",
    "The owner has to log in again: python bot.py login",
    Remedy.STOP_ACCOUNT,
    "call_error.dead_session",
)
CONNECTION_LOST: Final = Failure(
    "The connection to the voice chat was lost and could not be restored.",
    "Send /joincall to have me try at once.",
    Remedy.RETRY,
    "call_error.lost",
)
BROKEN_OFF: Final = Failure("The join was broken off.", "Send /joincall to have me join.", Remedy.NONE, "call_error.broken_off")
UNKNOWN: Final = Failure(
    "Joining failed for a reason I do not know.", "Look into the log, then send /joincall again.", Remedy.RETRY, "call_error.unknown"
)

TABLE: Final[tuple[tuple[tuple[type[BaseException], ...], Failure], ...]] = (
    ((library.NoActiveGroupCall, errors.GroupcallAlreadyDiscardedError), NO_VOICE_CHAT),
    (
        (JoinRefused, errors.GroupcallForbiddenError, errors.GroupcallInvalidError),
        REFUSED,
    ),
    (
        (errors.GroupcallJoinMissingError, errors.ParticipantJoinMissingError),
        Failure("Telegram has put me out of the voice chat.", "Send /joincall again.", Remedy.RETRY, "call_error.put_out"),
    ),
    (
        (errors.GroupcallSsrcDuplicateMuchError,),
        Failure("Telegram found my sound source already in use.", "Send /joincall again.", Remedy.RETRY, "call_error.source_in_use"),
    ),
    ((ntgcalls.RTMPStreamingUnsupported,), RTMP),
    (
        (errors.ChannelPrivateError, errors.UserNotParticipantError, errors.ChatForbiddenError, errors.ChannelInvalidError,
         errors.ChatIdInvalidError, errors.PeerIdInvalidError),
        NO_ACCESS,
    ),
    (
        (errors.ChatAdminRequiredError, errors.ChatWriteForbiddenError, errors.UserBannedInChannelError, errors.ChatRestrictedError,
         errors.UserRestrictedError),
        Failure(
            "My account may not join voice chats here.",
            "Lift its restrictions in this chat, then send /joincall again.",
            Remedy.NONE,
            "call_error.restricted",
        ),
    ),
    ((errors.JoinAsPeerInvalidError,), NOT_AS_CHANNEL),
    (
        (errors.PeerFloodError,),
        Failure(
            "Telegram has limited my account for sending too much.",
            "The owner should ask @SpamBot what to do.",
            Remedy.STOP_ACCOUNT,
            "call_error.spam",
        ),
    ),
    (
        (errors.FrozenMethodInvalidError,),
        Failure(
            "Telegram has frozen my account.",
            "The owner has to appeal in an official Telegram app.",
            Remedy.STOP_ACCOUNT,
            "call_error.frozen",
        ),
    ),
    (
        (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, errors.AuthKeyNotFound),
        DEAD_SESSION,
    ),
    ((library.CallBusy,), Failure("The line is busy.", "Try again later.", Remedy.NONE, "call_error.busy")),
    ((library.CallDeclined,), Failure("The call was declined.", "Ask first if a call is welcome.", Remedy.NONE, "call_error.declined")),
    ((library.CallDiscarded,), Failure("The call was ended before it began.", "Try again later.", Remedy.NONE, "call_error.discarded")),
    ((library.TimedOutAnswer,), Failure("Nobody answered the call.", "Try again later.", Remedy.NONE, "call_error.no_answer")),
    (
        (errors.UserPrivacyRestrictedError,),
        Failure(
            "This person's privacy settings do not let me call.",
            "They can allow it in Telegram under Privacy, Calls.",
            Remedy.NONE,
            "call_error.privacy",
        ),
    ),
    ((ntgcalls.TelegramServerError, ntgcalls.BaseRTCException, TimeoutError), NOT_REACHED),
    (
        (errors.ServerError, errors.TimedOutError),
        Failure("Telegram has problems just now.", "Send /joincall again in a minute.", Remedy.RETRY, "call_error.server"),
    ),
    (
        (ConnectionError, OSError),
        Failure(
            "I am not connected to Telegram just now.",
            "I keep trying; send /joincall again in a minute.",
            Remedy.RETRY,
            "call_error.not_connected",
        ),
    ),
)  # fmt: skip

FLOODS: Final = (errors.FloodWaitError, errors.FloodPremiumWaitError, errors.SlowModeWaitError, errors.FloodTestPhoneWaitError)


def explain(error: BaseException) -> CallError:
    """The error to show and act on instead of ``error``. The first fitting row of the table counts."""
    if isinstance(error, CallError):
        return error
    if isinstance(error, FLOODS):
        return flood(error.seconds)
    failure = next((failure for kinds, failure in TABLE if isinstance(error, kinds)), UNKNOWN)
    return of(failure)


def of(failure: Failure) -> CallError:
    """The error of a row."""
    return CallError(failure.what, failure.next_step, failure.remedy, key=failure.key)


def mentioned(error: ParleyError | None) -> dict[str, object]:
    """The fields with which an event mentions ``error``: ``what`` in English, and what it takes to say it in the language of a chat."""
    return {"what": str(error), "what_key": error.key, "what_fields": dict(error.fields)} if error else {"what": ""}


def flood(seconds: int) -> CallError:
    """Telegram, or our own limit that keeps clear of Telegram's, wants nothing of the kind for so long."""
    return CallError(
        f"Telegram asks me to wait {seconds} seconds.",
        f"Send /joincall again in {seconds} seconds.",
        Remedy.WAIT,
        seconds,
        key="call_error.flood",
        fields={"seconds": seconds},
    )


def scheduled(starts_at: datetime) -> CallError:
    """The voice chat is announced for a time, and has not begun."""
    when = f"{starts_at:%Y-%m-%d %H:%M} UTC"
    return CallError(
        f"The voice chat starts at {when}.",
        "I will join then.",
        Remedy.AT_ITS_TIME,
        starts_at=starts_at,
        key=SCHEDULED,
        fields={"when": when},
    )
