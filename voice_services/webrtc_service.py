"""Calls from a browser: ``get_webrtc_service().create_session(user_id)`` is a link to a call with a running Parley."""

from __future__ import annotations

from functools import cache

from voice_services.running_parley import ask


class WebRTCService:
    """Made by :func:`get_webrtc_service`."""

    def create_session(self, user_id: str | int) -> str:
        """A session for one call, as the link that opens it: whoever does first, within 10 minutes, talks with Parley.

        A ``user_id`` of Telegram has Parley talk as in the private chat with that user; any other is for the caller's own books.

        :raises errors.ParleyError: no Parley runs, or it has no page.
        """
        chat_id = int(user_id) if str(user_id).lstrip("-").isdecimal() else None
        return str(ask("link.create", chat_id=chat_id)["url"])


@cache
def get_webrtc_service() -> WebRTCService:
    """The one of this process."""
    return WebRTCService()
