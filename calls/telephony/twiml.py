"""What the carrier is to do with a call, in Twilio's markup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

_VOICES: Final = {"en": "en-GB", "ca": "ca-ES", "es": "es-ES", "ru": "ru-RU"}


def connect(url: str, parameters: Mapping[str, str]) -> str:
    """Open a media socket at ``url`` and hang up when it is closed."""
    named = "".join(f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in parameters.items())
    return _response(f"<Connect><Stream url={quoteattr(url)}>{named}</Stream></Connect>")


def say(text: str, language: str) -> str:
    """Answer, say a text and hang up."""
    return _response(f"<Say language={quoteattr(_VOICES.get(language, 'en-GB'))}>{escape(text)}</Say><Hangup/>")


def reject() -> str:
    """Do not answer, which costs nothing."""
    return _response('<Reject reason="rejected"/>')


def _response(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
