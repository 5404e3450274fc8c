"""The one family of errors a user may meet: what was wrong, what to do next, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 69
EXIT_RESTART: Final = 75
"""Not a failure: whoever supervises the program starts it again."""
EXIT_SETTINGS: Final = 78


class ParleyError(Exception):
    """A failure that is told to a person as is: one sentence on what is wrong, one on the next step.

    ``exit_code`` is what ``bot.py`` ends with when nothing can go on (sysexits(3): 69 unavailable, 78 configuration). ``key`` names the
    same text in the catalogues of ``handlers/wording`` and ``fields`` what it mentions, where chats are told of it; ``str()`` is English.
    """

    exit_code: int = EXIT_UNAVAILABLE

    def __init__(self, what: str, next_step: str = "", *, key: str = "", fields: Mapping[str, object] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.key = key
        self.fields: Mapping[str, object] = fields or {}

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}".strip()


class SettingsError(ParleyError):
    """One or more settings are missing or wrong; the text lists all of them."""

    exit_code = EXIT_SETTINGS


class SessionError(ParleyError):
    """The Telegram session is missing, dead or already in use."""

    exit_code = EXIT_SETTINGS


class ModelMissing(ParleyError):
    """A model file is neither on disk nor to be had from any of its sources."""


class EngineError(ParleyError):
    """A speech engine or a brain failed at one piece of work; the conversation goes on without it."""


class LineError(ParleyError):
    """A line could not be opened or broke."""
