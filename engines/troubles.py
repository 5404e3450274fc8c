"""Troubles of an engine that cost no more than time: whoever has the work done is told, so that they can be counted.

Engines are shared by all calls. Who listens is therefore a matter of the task that asks the engine, and of the tasks it starts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """The part of the work an engine does."""

    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Remedy(StrEnum):
    """What was done about a trouble."""

    RETRIED = "retried"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``engine`` was in trouble, ``what`` tells how; ``by`` is the engine that was asked in its place, if another was."""

    part: Part
    engine: str
    what: str
    remedy: Remedy
    by: str = ""


Listener = Callable[[Trouble], None]

_listener: ContextVar[Listener | None] = ContextVar("listener to the troubles of engines", default=None)


def listen_to_troubles(listener: Listener) -> None:
    """From now on ``listener`` is told of every trouble that engines have with work asked for by this task or by those it starts."""
    _listener.set(listener)


def tell_of_trouble(trouble: Trouble) -> None:
    """Tell whoever has the work done, if anybody listens."""
    if listener := _listener.get():
        listener(trouble)
