"""What is dropped because there is too much of it, counted for the whole process: every bounded queue that drops something notes it here.

The metrics show it as ``parley_dropped_total``; docs/logs-and-metrics.md says what each means.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Drop(StrEnum):
    """What can be dropped; the values are the labels of the metric."""

    PLAYED_FRAMES = "played frames"
    """10 ms of every call's sound that the process was too late for."""
    HEARD_FRAMES = "heard frames"
    """10 or 20 ms of somebody's sound: from an unknown source, from a caller who sends too fast, or for a program that is too slow."""
    LINE_EVENTS = "line events"
    """Who came, went or was muted, in a call that is too busy to be told."""
    CALL_SIGNALS = "call signals"
    """What the other end of a private call told before there was anybody to tell it to."""
    MESSAGES_TO_CALLERS = "messages to callers"
    """Captions and the like for a browser or a program that does not read them."""
    TURN_MODEL_QUESTIONS = "turn model questions"
    """Sounds of turns that the model had no time to judge."""
    STORED_EVENTS = "stored events"
    """Lines of calls and transcripts that the disk did not take."""
    STORED_COMMANDS = "stored commands"
    """Rows of the list of commands that the disk did not take."""
    NOTICES = "notices"
    """Texts about calls that chats did not get."""
    COMMANDS = "commands"
    """Commands in a chat that had too many waiting; the chat was told."""
    NOTIFICATIONS = "notifications"
    """What programs on the control socket did not read in time; they were told how many."""


_counts: Final[Counter[Drop]] = Counter()
_lock: Final = threading.Lock()


def note(what: Drop, number: int = 1) -> None:
    """So many were dropped; from any thread."""
    if number:
        with _lock:
            _counts[what] += number


def counts() -> Mapping[str, int]:
    """How many of each since the start, zeros included."""
    return {what.value: _counts[what] for what in Drop}
