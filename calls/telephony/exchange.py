"""Telephoning, put together."""

from __future__ import annotations

import logging

from calls import events
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from calls.telephony.limits import Limits
from calls.telephony.phone_calls import PhoneCalls, missing
from calls.telephony.twilio_rest import TwilioRest
from config import Settings
from storage.database import Database

log = logging.getLogger(__name__)


def telephoning(settings: Settings, guests: GuestCalls, pacer: Pacer, database: Database, bus: events.EventBus) -> PhoneCalls:
    """Telephone calls as the settings want them, to be entered; off where one that is needed is not set."""
    lacking = missing(settings)
    if lacking and settings.twilio_account_sid:
        log.warning("Telephone calls are off: %s not set.", ", ".join(lacking))
    carrier = None if lacking else _carrier(settings)
    return PhoneCalls(settings, carrier, guests, pacer, Limits(database, settings), bus)


def _carrier(settings: Settings) -> TwilioRest:
    assert settings.twilio_account_sid is not None
    assert settings.twilio_auth_token is not None
    assert settings.twilio_phone_number is not None
    return TwilioRest(
        settings.twilio_api_url, settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), settings.twilio_phone_number
    )
