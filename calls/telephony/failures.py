"""What each failure of a telephone call means: what to tell those who wanted it. All of it is the table below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from calls.errors import CallError, Failure, Remedy

NO_NUMBER: Final = Failure(
    "That is no telephone number.", "Write it with the country code, such as +34612345678.", Remedy.NONE, "telephone.no_number"
)
PREMIUM: Final = Failure("That number costs extra. I never call such numbers.", "", Remedy.NONE, "telephone.premium")
OWN_NUMBER: Final = Failure("That is my own number.", "", Remedy.NONE, "telephone.own_number")
BUSY: Final = Failure("The line is busy.", "Try again later.", Remedy.RETRY, "telephone.line_busy")
NO_ANSWER: Final = Failure("Nobody answered the telephone.", "Try again later.", Remedy.RETRY, "telephone.nobody_answered")
UNREACHABLE: Final = Failure("The number could not be reached.", "Check it, and try again later.", Remedy.RETRY, "telephone.unreachable")
CANCELED: Final = Failure("The call was broken off before anybody answered.", "", Remedy.NONE, "telephone.canceled")
NO_SOUND: Final = Failure(
    "The call was answered, but the carrier brought no sound.", "API_BASE_URL must be reachable from outside for WebSockets, too.",
    Remedy.NONE, "telephone.no_sound",
)  # fmt: skip
HUNG_UP_AT_ONCE: Final = Failure(
    "The call was answered, and ended before a word was said.", "Try again later.", Remedy.NONE, "telephone.hung_up_at_once"
)
NO_NEWS: Final = Failure(
    "The carrier took the call, and then told nothing more of it.", "API_BASE_URL must be reachable from outside.", Remedy.NONE,
    "telephone.no_news",
)  # fmt: skip
CREDENTIALS: Final = Failure(
    "The carrier does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.", "Correct them and restart.", Remedy.NONE,
    "telephone.credentials",
)  # fmt: skip
OWN_NUMBER_WRONG: Final = Failure(
    "The carrier says that TWILIO_PHONE_NUMBER is not a number of the account that may call.", "Correct it and restart.", Remedy.NONE,
    "telephone.own_number_wrong",
)  # fmt: skip
NOT_VERIFIED: Final = Failure(
    "The carrier's trial account may call verified numbers only.", "Verify the number in the carrier's console, or upgrade the account.",
    Remedy.NONE, "telephone.not_verified",
)  # fmt: skip
NO_PERMISSION: Final = Failure(
    "The carrier does not let the account call that country.", "Allow it in the carrier's console (geographic permissions).",
    Remedy.NONE, "telephone.no_permission",
)  # fmt: skip
CARRIER_BUSY: Final = Failure(
    "The carrier wants fewer calls at a time.", "Try again in a minute.", Remedy.RETRY, "telephone.carrier_busy"
)  # fmt: skip
CARRIER_DOWN: Final = Failure("The carrier could not be reached.", "Try again in a minute.", Remedy.RETRY, "telephone.carrier_down")
CARRIER_REFUSED: Final = Failure("The carrier refused the call.", "The log says why.", Remedy.NONE, "telephone.carrier_refused")
NO_CALL: Final = Failure("There is no such telephone call.", "", Remedy.NONE, "telephone.no_call")
STOPPING: Final = Failure("I am about to end, so I call nobody.", "", Remedy.NONE, "telephone.stopping")


def off(missing: Sequence[str]) -> CallError:
    """Settings that telephone calls need are not set."""
    names = ", ".join(missing)
    return CallError(
        f"Telephone calls are off: {names} not set.", "docs/telephone.md tells how to turn them on.", key="telephone.off",
        fields={"settings": names},
    )  # fmt: skip


def not_allowed(prefix: str) -> CallError:
    """The number lies in a range that nobody has allowed."""
    return CallError(
        f"Numbers that begin with {prefix} may not be called.", "PHONE_ALLOWED_PREFIXES names those that may.",
        key="telephone.not_allowed", fields={"prefix": prefix},
    )  # fmt: skip


def at_once(most: int) -> CallError:
    """As many calls as there may be are under way."""
    return CallError(
        f"There are {most} telephone calls already, as many as may be.", "Try again when one has ended (PHONE_CALLS_AT_ONCE).",
        key="telephone.at_once", fields={"most": most},
    )  # fmt: skip


def per_day(most: int) -> CallError:
    """As many calls as there may be were made."""
    return CallError(
        f"I have made {most} telephone calls within a day, as many as I may.", "Try again tomorrow (PHONE_CALLS_PER_DAY).",
        key="telephone.per_day", fields={"most": most},
    )  # fmt: skip


def per_number(most: int) -> CallError:
    """This number was called as often as one may be."""
    return CallError(
        f"I have called that number {most} times within a day, as often as I may.", "Try again tomorrow (PHONE_CALLS_PER_NUMBER).",
        key="telephone.per_number", fields={"most": most},
    )  # fmt: skip


def minutes(most: int) -> CallError:
    """The minutes of a day are used up."""
    return CallError(
        f"The {most} minutes of telephone calls that may be used within a day are used up.", "Try again tomorrow (PHONE_MINUTES_PER_DAY).",
        key="telephone.minutes", fields={"most": most},
    )  # fmt: skip
