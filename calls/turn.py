"""A turn on its way to an answer: its newest revision, the words of it, and the reply being prepared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto

from audio.stt import Transcript
from calls.latency import Marks
from calls.lines import Participant
from calls.reply import Reply
from calls.turns.revisions import Revision
from errors import EngineError


class TurnState(Enum):
    """Where a turn stands."""

    OPEN = auto()
    """Its participant may go on speaking."""
    COMMITTED = auto()
    """It has ended and waits for its answer."""
    ANSWERING = auto()
    """Its reply has the floor."""
    OVER = auto()


@dataclass(slots=True, eq=False)
class Draft:
    """The work on one revision of a turn, begun before anybody knows whether it is wanted.

    ``ready`` is set when the words are known (or known to be unobtainable: ``failure``).
    """

    revision: Revision
    marks: Marks
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    transcript: Transcript | None = None
    failure: EngineError | None = None
    reply: Reply | None = None
    history_version: int = -1
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def drop(self) -> None:
        """The revision is not wanted any more."""
        for task in self.tasks:
            task.cancel()


@dataclass(slots=True, eq=False)
class Turn:
    """What one participant says until the floor is free."""

    participant: Participant
    revision: Revision
    state: TurnState = TurnState.OPEN
    carried: bytes = b""
    """The sound of earlier parts of this turn, where it was taken to be over and was not."""
    draft: Draft | None = None
    announced: str = ""
    """Words of the bot's own that nobody asked for; such a turn is nobody's and has no draft before it is its time."""
    aside: str = ""
    """Why it is nothing for the bot (``backchannel``), as far as its words are known; empty: it may be."""

    @property
    def turn_id(self) -> int:
        """The same through all revisions."""
        return self.revision.turn_id

    def drop_draft(self) -> None:
        """Forget the work on the turn as it was."""
        if self.draft:
            self.draft.drop()
        self.draft = None
