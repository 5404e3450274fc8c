"""What each failure of a private call means: what to tell those who wanted it. All of it is the table below."""

from __future__ import annotations

from typing import Final

from telethon import errors as telegram
from telethon.tl import types

from calls import errors
from calls.errors import FLOODS, CallError, Failure, Remedy

BUSY: Final = Failure("The line is busy.", "Try again later.", Remedy.NONE, "call_error.busy")
DECLINED: Final = Failure("The call was declined.", "Ask first if a call is welcome.", Remedy.NONE, "call_error.declined")
NO_ANSWER: Final = Failure("Nobody answered the call.", "Try again later.", Remedy.NONE, "call_error.no_answer")
DISCARDED: Final = Failure("The call was ended before it began.", "Try again later.", Remedy.NONE, "call_error.discarded")
BROKEN_OFF: Final = Failure("The call was broken off.", "", Remedy.NONE, "phone.broken_off")
NOT_CONNECTED: Final = Failure(
    "The call was answered, but no sound connection came about.", "Try again in a minute.", Remedy.RETRY, "phone.no_sound"
)
LOST: Final = Failure("The sound connection of our call was lost.", "Call again if you like.", Remedy.NONE, "phone.lost")
NOT_SECRET: Final = Failure(
    "The keys of the call did not match, so I have not taken part in it.", "Try again; somebody may have tried to listen in.", Remedy.NONE,
    "phone.not_secret",
)  # fmt: skip
MIGRATED: Final = Failure(
    "The call was turned into a group call, which I cannot follow.", "Call me again, or invite me to a voice chat.", Remedy.NONE,
    "phone.migrated",
)  # fmt: skip
ON_THE_PHONE: Final = Failure("I am on the phone already.", "Send /hangup first.", Remedy.NONE, "phone.on_the_phone")
NO_CALL: Final = Failure("There is no private call.", "", Remedy.NONE, "call_error.no_private_call")
NOBODY: Final = Failure("That is nobody I can call.", "Name a person by @username or id.", Remedy.NONE, "phone.nobody")
TOO_OLD: Final = Failure(
    "This person's Telegram cannot take part in calls with me.", "It may have to be updated.", Remedy.NONE, "phone.too_old"
)
UNKNOWN: Final = Failure("The call failed for a reason I do not know.", "Look into the log.", Remedy.RETRY, "phone.unknown")

TABLE: Final[tuple[tuple[tuple[type[BaseException], ...], Failure], ...]] = (
    (
        (telegram.UserIsBlockedError, telegram.YouBlockedUserError),
        Failure("I cannot call this person: one of us has blocked the other.", "", Remedy.NONE, "phone.blocked"),
    ),
    ((telegram.ParticipantVersionOutdatedError, telegram.CallProtocolFlagsInvalidError), TOO_OLD),
    ((telegram.UserIdInvalidError, telegram.PeerIdInvalidError, telegram.InputUserDeactivatedError, ValueError), NOBODY),
    (
        (telegram.CallAlreadyDeclinedError, telegram.CallAlreadyAcceptedError, telegram.CallPeerInvalidError),
        DISCARDED,
    ),
    (
        (telegram.ServerError, telegram.TimedOutError),
        Failure("Telegram has problems just now.", "Try again in a minute.", Remedy.RETRY, "phone.server"),
    ),
    (
        (ConnectionError, OSError),
        Failure("I am not connected to Telegram just now.", "Try again in a minute.", Remedy.RETRY, "phone.not_connected"),
    ),
)
BY_NAME: Final = {
    "CALL_PROTOCOL_LAYER_INVALID": TOO_OLD,
    "CALL_PROTOCOL_COMPAT_LAYER_INVALID": TOO_OLD,
    "CALL_NOT_ACTIVE": DISCARDED,
}
"""Errors that the client library has no class for."""
FROM_GROUP_CALLS: Final = (errors.DEAD_SESSION.key, "call_error.privacy", "call_error.spam", "call_error.frozen")
"""What these texts say holds for calls of every kind."""


def explain(error: BaseException) -> CallError:
    """The error to show instead of ``error``. The first fitting row counts."""
    if isinstance(error, CallError):
        return error
    if isinstance(error, FLOODS):
        return flood(error.seconds)
    if (named := BY_NAME.get(getattr(error, "message", ""))) is not None:
        return errors.of(named)
    if (told := errors.explain(error)).key in FROM_GROUP_CALLS:
        return told
    return errors.of(next((failure for kinds, failure in TABLE if isinstance(error, kinds)), UNKNOWN))


def flood(seconds: int) -> CallError:
    """Telegram wants no more calls for so long."""
    what = f"Telegram asks me to wait {seconds} seconds before the next call."
    return CallError(what, "Try again then.", Remedy.WAIT, seconds, key="phone.flood", fields={"seconds": seconds})


def of_discard(reason: object, *, answered: bool) -> CallError:
    """Why a call that we placed did not come about, by Telegram's reason. ``answered``: it ended while the two ends were connecting."""
    match reason:
        case types.PhoneCallDiscardReasonBusy():
            return errors.of(BUSY)
        case types.PhoneCallDiscardReasonMissed():
            return errors.of(NO_ANSWER)
        case types.PhoneCallDiscardReasonMigrateConferenceCall():
            return errors.of(MIGRATED)
        case types.PhoneCallDiscardReasonHangup() | None if not answered:
            return errors.of(DECLINED)
        case _:
            return errors.of(DISCARDED)
