"""What happened in one conversation, in order, told by somebody who stands outside of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from brain import Message
from brain.tools import ToolUse
from calls import events
from calls.turns.endpointing import Edge
from tests.calls.interleavings.sound import Clause, Ear, Word


@dataclass(slots=True, eq=False)
class Said:
    """One revision of a turn, as an outsider sees it; places in the record say when what became of it."""

    turn_id: int
    number: int
    speaker_id: int
    began_at: int
    taken_back: bool = False
    """An earlier revision had ended the turn, so that the rest of it being nothing does not make it nothing."""
    ended_at: int | None = None
    superseded_at: int | None = None
    """Its speaker went on, or it was no speech at all."""

    def __str__(self) -> str:
        return f"revision {self.number} of turn {self.turn_id}"


@dataclass(slots=True, eq=False)
class Asked:
    """One question to the brain, or an announcement."""

    at: int
    messages: list[Message]
    said: Said | None
    """What it is to answer, going by the words in it."""
    first: Asked | None = None
    """Where a reply goes on after tools: the question with which it began."""


@dataclass(slots=True, eq=False)
class ToolRun:
    """A tool at work: which call it is, from when to when, and what came of it."""

    number: int
    began_at: int
    ended_at: int = 0
    text: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """10 ms in which something sounded."""

    at: int
    at_s: float
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the conversation."""

    at: int
    event: events.CallEvent
    newest: Said | None
    """The newest revision of the turn it is about."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A stretch of continuous speech of one participant."""

    speaker_id: int
    from_s: float
    to_s: float


@dataclass(slots=True)
class Record:
    """All of it. ``place()`` gives each thing that happens its place in the order."""

    patience_s: float
    """For so long a reply waits until somebody has finished."""
    ear: Ear = field(default_factory=Ear)
    heard: list[Heard] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    speech: list[Speech] = field(default_factory=list)
    edges: list[tuple[int, int, Edge]] = field(default_factory=list)
    answers_to: dict[str, Asked] = field(default_factory=dict)
    """Which question each word of the brain answers; the words of an announcement answer one without messages."""
    call_of: dict[int, Asked] = field(default_factory=dict)
    """Of which reply each tool call is part."""
    tool_runs: list[ToolRun] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    """At the end: what was said, and what was heard of the reply to it."""
    uses: list[ToolUse] = field(default_factory=list)
    """At the end: the tools that the history knows of, with their results."""
    announcements: list[tuple[str, asyncio.Event]] = field(default_factory=list)
    """What the bot was told to say, and whether it is done with it."""
    failed_clauses: set[Clause] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    """What the world noticed itself: tasks and generators left behind, exceptions, a conversation that never comes to rest."""
    hung_up_at: int = 0
    came_to_rest: bool = False
    places: int = 0

    def place(self) -> int:
        """The next place in the order of things."""
        self.places += 1
        return self.places

    def of(self, *kinds: type[events.CallEvent]) -> list[Happened]:
        """Only the events of these kinds."""
        return [happened for happened in self.happened if type(happened.event) in kinds]

    def question_of(self, clause: Clause) -> Asked | None:
        """Whose answer the clause is part of; ``None`` for the conversation's own sentences."""
        return self.answers_to.get(plain(clause.words[0].text))


def plain(word: str) -> str:
    """A word without the marks around it."""
    return word.strip(".,!?")
