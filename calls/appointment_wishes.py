"""What people and programs may ask for as an appointment, checked before it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from calls.schedule import DAY_NAMES, Once, Rule, Weekly, rule_of
from calls.telephony import numbers
from errors import ParleyError
from storage.appointments import Appointment, Method

METHODS: Final[Mapping[str, Method]] = {
    **{method.value: method for method in Method},
    "telegram_group": Method.GROUP,
    "telegram_private": Method.PRIVATE,
    "telegram": Method.PRIVATE,
    "webrtc": Method.BROWSER,
    "link": Method.BROWSER,
    "twilio": Method.PHONE,
}
"""By the names that they may be given."""
MOST_CHARACTERS: Final = 1_000
"""Of an opening sentence, and of a purpose."""
LONGEST_MINUTES: Final = 240
_NAME: Final = re.compile(r"@[A-Za-z]\w{2,31}")
_ID: Final = re.compile(r"[1-9]\d{0,18}")


class WrongAppointment(ParleyError):
    """It cannot be made as it is asked for."""


def checked(appointment: Appointment) -> Appointment:
    """The same, with the number of a phone call as carriers want it.

    :raises errors.ParleyError: nobody can be called so: no number, nobody's name, no group; or a text is too long.
    """
    if max(len(appointment.opening), len(appointment.purpose)) > MOST_CHARACTERS:
        raise WrongAppointment(
            f"That is too long: at most {MOST_CHARACTERS} characters.", "Shorten it.",
            key="appointment.too_long", fields={"most": MOST_CHARACTERS},
        )  # fmt: skip
    match appointment.method:
        case Method.PHONE:
            return replace(appointment, target=numbers.parsed(appointment.target))
        case Method.PRIVATE if not (_ID.fullmatch(appointment.target) or _NAME.fullmatch(appointment.target)):
            raise WrongAppointment("I do not see whom to phone.", "Give a user id, @name or me.", key="appointment.nobody")
        case Method.GROUP if appointment.chat_id >= 0:
            raise WrongAppointment("A person has no voice chat.", "Phone them instead: private.", key="call_error.no_group")
        case Method.BROWSER if appointment.target and not appointment.target.lstrip("-").isdecimal():
            raise WrongAppointment("The link is sent to a chat.", "Give its id.", key="appointment.nobody")
    return appointment


def at_rule(appointment: Appointment, rule: Rule, zone: ZoneInfo) -> Appointment:
    """The appointment at these times."""
    if isinstance(rule, Once):
        return replace(appointment, once_at=rule.at.timestamp(), days="", time_of_day="", time_zone=zone.key)
    days = ",".join(DAY_NAMES[day] for day in sorted(rule.days))
    return replace(appointment, once_at=None, days=days, time_of_day=f"{rule.time:%H:%M}", time_zone=rule.zone.key)


def written(appointment: Appointment) -> str:
    """When it is, as :func:`calls.when.read_when` reads it."""
    rule = rule_of(appointment)
    if isinstance(rule, Weekly):
        return f"{'every day' if len(rule.days) == len(DAY_NAMES) else appointment.days} {appointment.time_of_day}"
    return f"{rule.at.astimezone(ZoneInfo(appointment.time_zone)):%Y-%m-%d %H:%M}"
