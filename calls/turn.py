"""A turn on its way to an answer: its newest revision, the words of it, and the reply being prepared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from audio.stt import Transcript
from calls.latency import Marks
from calls.lines import Participant
from calls.reply import Reply
from calls.turns.revisions import Revision
from errors import EngineError

LONG_STRETCH_BYTES = 5 * HEARING_RATE_HZ * BYTES_PER_SAMPLE
"""Speech this long before a pause is transcribed once, while its participant goes on, so that the last pause only costs the tail."""

SENTENCE_BYTES = LONG_STRETCH_BYTES // 2
"""So is half of that if it is a sentence."""


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
    unsure: bool = False
    """There were words, but the engine was not sure enough of them: they are left out."""
    reply: Reply | None = None
    replies_to: str = ""
    """The words that ``reply`` answers: those of the turn, or those that were expected to be."""
    history_version: int = -1
    hearing: asyncio.Task[None] | None = None
    covers_bytes: int = 0
    """How much of the turn's sound its words are of."""
    replying: asyncio.Task[None] | None = None
    prepared: bool = False
    """Its reply was begun before the turn was over."""
    early: bool = False
    """Begun in a lull that is no pause yet: its words are kept to themselves until it is one."""

    @property
    def ends_sentence(self) -> bool:
        """Its words are known, and end with a sentence."""
        return self.transcript is not None and self.transcript.text.endswith((".", "?", "!"))

    def drop(self) -> None:
        """The revision is not wanted any more."""
        self.drop_reply()
        if self.hearing:
            self.hearing.cancel()

    def drop_reply(self) -> None:
        """Its words may still be of use, the reply to them is not: nothing more of it reaches the ear from this moment on."""
        if self.reply:
            self.reply.drop()
        if self.replying:
            self.replying.cancel()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The words of the first ``covers_bytes`` of a turn, transcribed while its last word sounded: perhaps all of them."""

    transcript: Transcript
    covers_bytes: int


@dataclass(slots=True, eq=False)
class Turn:
    """What one participant says until the floor is free."""

    participant: Participant
    revision: Revision
    state: TurnState = TurnState.OPEN
    carried: bytes = b""
    """The sound of earlier parts of this turn, where it was taken to be over and was not."""
    draft: Draft | None = None
    settled: Transcript | None = None
    """The words of its first ``settled_bytes`` of sound, which need not be transcribed again."""
    settled_bytes: int = 0
    glimpse: Glimpse | None = None
    """The newest."""
    announced: str = ""
    """Words of the bot's own that nobody asked for; such a turn is nobody's and has no draft before it is its time."""
    announced_in: str | None = None
    """Their language, where it is not the one of the call."""
    typed: bool = False
    """Its words were written, not spoken."""
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

    def drop_early_draft(self) -> bool:
        """The lull was no pause; false if no draft was begun on it."""
        if self.draft is None or not self.draft.early:
            return False
        self.drop_draft()
        return True

    def go_on(self) -> None:
        """Its participant goes on speaking: of the work on it only the words of a long stretch are kept, or finished."""
        if self.draft is None:
            return
        stretch_bytes = self.draft.covers_bytes - self.settled_bytes
        if stretch_bytes < (SENTENCE_BYTES if self.draft.ends_sentence else LONG_STRETCH_BYTES):
            self.drop_draft()
            return
        self.draft.drop_reply()
        self.settle(self.draft)
        self.draft = None

    def settle(self, draft: Draft) -> None:
        """Keep the words of ``draft``, if it has any and they reach further than what is kept."""
        if draft.transcript and draft.transcript.text and draft.covers_bytes > self.settled_bytes:
            self.settled, self.settled_bytes = draft.transcript, draft.covers_bytes
