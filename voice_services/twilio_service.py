"""Telephone calls: ``get_twilio_service().make_call(to_number="+34600111222", user_id="ann")`` has a running Parley call."""

from __future__ import annotations

from functools import cache

from calls.telephony.phone_calls import missing
from config import load_settings
from voice_services.running_parley import ask


class TwilioService:
    """Made by :func:`get_twilio_service`."""

    @property
    def enabled(self) -> bool:
        """Whether everything is set that telephone calls need; without it all else works."""
        return not missing(load_settings())

    def make_call(self, to_number: str, user_id: str | int = "", purpose: str = "") -> str:
        """Call a number; the id of the call, as soon as the carrier has been asked. ``user_id`` is who is called, as the brain is told.

        :raises errors.ParleyError: no Parley runs, telephone calls are not set up, or this number may not be called.
        """
        about = f"You are calling {user_id}. {purpose}".strip() if user_id else purpose
        return str(ask("phone.call", number=to_number, purpose=about, wait=False)["call_id"])

    def get_call_status(self, call_id: str) -> str:
        """queued, ringing, answered or talking; completed for a call that is over.

        :raises errors.ParleyError: no Parley runs.
        """
        calls = ask("phone.list")["calls"]
        return next((str(call["stage"]) for call in calls if call["call_id"] == call_id), "completed")

    def hang_up(self, call_id: str) -> None:
        """End a call, or stop calling.

        :raises errors.ParleyError: there is no such call.
        """
        ask("phone.hangup", call_id=call_id)


@cache
def get_twilio_service() -> TwilioService:
    """The one of this process."""
    return TwilioService()
