"""What each failure of Telegram and of the call library means: what to tell the chat, and what to do next. All of it is the table below."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import ntgcalls
from pytgcalls import exceptions as library
from telethon import errors

from errors import LineError


class Remedy(StrEnum):
    """What the program does about a failure."""

    NONE = "none"
    """Nothing: a person has to act."""
    RETRY = "retry"
    """Look the voice chat up again and join again, a few times, with a growing pause."""
    WAIT = "wait"
    """Nothing before the seconds that Telegram asked for are over."""
    DISABLE_CHAT = "disable_chat"
    """Stop trying in this chat until somebody sends /joincall there again."""
    STOP_ACCOUNT = "stop_account"
    """No more joins by this account; its owner has to act."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the table: two plain sentences for the chat, and the remedy."""

    what: str
    next_step: str
    remedy: Remedy


class CallError(LineError):
    """A voice chat could not be joined; ``remedy`` says what may be done, ``retry_after_s`` how long Telegram wants it left alone."""

    def __init__(self, what: str, next_step: str = "", remedy: Remedy = Remedy.NONE, retry_after_s: int | None = None) -> None:
        super().__init__(what, next_step)
        self.remedy = remedy
        self.retry_after_s = retry_after_s


class JoinRefused(Exception):
    """Telegram refused the join of a voice chat that it lists (it was ended in between, or we may not join it)."""


NO_VOICE_CHAT: Final = Failure("No active voice chat.", "Start one and send /joincall again.", Remedy.NONE)
RTMP: Final = Failure(
    "This is a livestream fed by streaming software (RTMP), which nobody can speak in.", "Start an ordinary voice chat.", Remedy.NONE
)
NOT_REACHED: Final = Failure(
    "The voice chat could not be joined: no sound connection came about in time.", "Send /joincall again in a minute.", Remedy.RETRY
)
REFUSED: Final = Failure(
    "Telegram refused to let me into the voice chat.",
    "Check that my account is a member of this chat and not restricted, then send /joincall again.",
    Remedy.RETRY,
)
NO_ACCESS: Final = Failure(
    "My account has no access to this chat.", "Add it to the chat again, then send /joincall.", Remedy.DISABLE_CHAT
)  # fmt: skip
DEAD_SESSION: Final = Failure(
    "My Telegram session is no longer valid.", "The owner has to log in again: python bot.py login", Remedy.STOP_ACCOUNT
)
UNKNOWN: Final = Failure("Joining failed for a reason I do not know.", "Look into the log, then send /joincall again.", Remedy.NONE)

TABLE: Final[tuple[tuple[tuple[type[BaseException], ...], Failure], ...]] = (
    ((library.NoActiveGroupCall, errors.GroupcallAlreadyDiscardedError), NO_VOICE_CHAT),
    (
        (JoinRefused, errors.GroupcallForbiddenError, errors.GroupcallInvalidError, errors.GroupcallJoinMissingError,
         errors.ParticipantJoinMissingError),
        REFUSED,
    ),
    (
        (errors.GroupcallSsrcDuplicateMuchError,),
        Failure("Telegram found my sound source already in use.", "Send /joincall again.", Remedy.RETRY),
    ),
    ((ntgcalls.RTMPStreamingUnsupported,), RTMP),
    (
        (errors.ChannelPrivateError, errors.UserNotParticipantError, errors.ChatForbiddenError, errors.ChannelInvalidError,
         errors.ChatIdInvalidError, errors.PeerIdInvalidError),
        NO_ACCESS,
    ),
    (
        (errors.ChatAdminRequiredError, errors.ChatWriteForbiddenError, errors.UserBannedInChannelError, errors.JoinAsPeerInvalidError,
         errors.ChatRestrictedError, errors.UserRestrictedError),
        Failure("My account may not join voice chats here.", "Lift its restrictions in this chat, then send /joincall again.", Remedy.NONE),
    ),
    (
        (errors.PeerFloodError,),
        Failure("Telegram has limited my account for sending too much.", "The owner should ask @SpamBot what to do.", Remedy.STOP_ACCOUNT),
    ),
    (
        (errors.FrozenMethodInvalidError,),
        Failure("Telegram has frozen my account.", "The owner has to appeal in an official Telegram app.", Remedy.STOP_ACCOUNT),
    ),
    (
        (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, errors.AuthKeyNotFound),
        DEAD_SESSION,
    ),
    ((ntgcalls.TelegramServerError, ntgcalls.BaseRTCException, TimeoutError), NOT_REACHED),
    (
        (errors.ServerError, errors.TimedOutError),
        Failure("Telegram has problems just now.", "Send /joincall again in a minute.", Remedy.RETRY),
    ),
    (
        (ConnectionError, OSError),
        Failure("I am not connected to Telegram just now.", "I keep trying; send /joincall again in a minute.", Remedy.NONE),
    ),
)  # fmt: skip

FLOODS: Final = (errors.FloodWaitError, errors.FloodPremiumWaitError, errors.SlowModeWaitError, errors.FloodTestPhoneWaitError)


def explain(error: BaseException) -> CallError:
    """The error to show and act on instead of ``error``. The first fitting row of the table counts."""
    if isinstance(error, CallError):
        return error
    if isinstance(error, FLOODS):
        return _flood(error.seconds)
    failure = next((failure for kinds, failure in TABLE if isinstance(error, kinds)), UNKNOWN)
    return of(failure)


def of(failure: Failure) -> CallError:
    """The error of a row."""
    return CallError(failure.what, failure.next_step, failure.remedy)


def _flood(seconds: int) -> CallError:
    return CallError(f"Telegram asks me to wait {seconds} seconds.", f"Send /joincall again in {seconds} seconds.", Remedy.WAIT, seconds)
