"""What a token may be for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """``admin`` includes the others."""

    CALLS_READ = "calls:read"
    """See the calls, who is in them, and what is said."""
    CALLS_CONTROL = "calls:control"
    """Say something in calls, end them, begin and schedule them."""
    VOICE = "ws:voice"
    """Talk with Parley, and use its ear and its voice."""
    ADMIN = "admin"
