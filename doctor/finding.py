"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from errors import ParleyError


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


MARKS: Final = {Verdict.OK: "✅", Verdict.WARNING: "⚠️", Verdict.FAILURE: "❌"}


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` is one sentence for a person; ``next_step`` is what to do about it, and "" where all is well."""

    verdict: Verdict
    what: str
    next_step: str = ""


def ok(what: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, what)


def warning(what: str, next_step: str) -> Finding:
    """It works, but not as well as it could, or not for long."""
    return Finding(Verdict.WARNING, what, next_step)


def failure(what: str, next_step: str) -> Finding:
    """Parley cannot work like this."""
    return Finding(Verdict.FAILURE, what, next_step)


def of_error(error: ParleyError) -> Finding:
    """A failure in the words in which it would meet a user."""
    return failure(error.what, error.next_step or "Look at the log: bot.py run says more.")
