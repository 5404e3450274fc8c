"""A reply in the making: text comes in pieces, clauses go to the voice engine, their sound to the playout once the floor is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from audio.playout import PlayingClause, Playout
from audio.tts import TextToSpeech, Voice
from brain.clauses import ClauseSplitter
from calls.answer import Answer
from calls.latency import Marks
from engines import Part
from errors import EngineError

AHEAD_S = 1.0
"""The voice engine runs at most about this far ahead of the ear."""
CLAUSES_AHEAD = 4
"""Clauses of text the brain may be ahead of the voice engine."""


class Reply:
    """The answer to one revision of a turn. :meth:`run` makes it; :meth:`start` lets it be heard.

    ``finished`` is set when all of it was played.

    Until it is started only its first clause is synthesised, and no tool runs. Cancelling :meth:`run` stops the brain and the voice engine.
    """

    def __init__(self, reply_id: int, answer: Answer, tts: TextToSpeech, voice: Voice, marks: Marks, clock: Callable[[], float]) -> None:
        self.reply_id = reply_id
        self.clauses: list[PlayingClause] = []
        self.failures: list[tuple[Part, EngineError]] = []
        self.finished = asyncio.Event()
        self.text = ""
        self.answer = answer
        self._tts = tts
        self._voice = voice
        self._marks = marks
        self._clock = clock
        self._texts: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)
        self._started = asyncio.Event()
        self._playout: Playout | None = None
        self._made = False
        self._dropped = False

    async def run(self) -> None:
        """Think and speak to the end; what fails is noted in ``failures``, never raised."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._think())
            group.create_task(self._speak())
        self._made = True
        self._settle()

    def start(self, playout: Playout) -> None:
        """The floor is ours: what is ready is said now, the rest as it is made."""
        if self._dropped:
            return
        self._playout = playout
        for clause in self.clauses:
            playout.say(clause)
        self._started.set()
        self.answer.commit()
        self._settle()

    def drop(self) -> None:
        """Nothing more of it may be heard, whatever its tasks still do before they notice that they are cancelled."""
        self._dropped = True
        self.answer.drop()

    def clause_done(self, _clause: PlayingClause) -> None:
        """The playout has played a clause of this reply to its end."""
        self._settle()

    @property
    def heard(self) -> str:
        """The words that have been played."""
        return " ".join(text for clause in self.clauses if (text := clause.heard))

    @property
    def has_sounded(self) -> bool:
        """At least its first sample has left."""
        return bool(self.clauses) and self.clauses[0].began_at_s is not None

    def _settle(self) -> None:
        if self._made and self._started.is_set() and all(clause.done for clause in self.clauses):
            self.finished.set()

    async def _think(self) -> None:
        splitter = ClauseSplitter(self._voice.language)
        try:
            async with aclosing(self.answer.pieces()) as pieces:
                async for piece in pieces:
                    for clause in splitter.feed(piece):
                        await self._offer(clause)
                    if splitter.full:
                        break
            for clause in splitter.flush():
                await self._offer(clause)
        except EngineError as error:
            self.failures.append((Part.THINKING, error))
        await self._texts.put(None)

    async def _offer(self, text: str) -> None:
        self.text = f"{self.text} {text}".strip()
        if self._marks.first_clause is None:
            self._marks.first_clause = self._clock()
        await self._texts.put(text)

    async def _speak(self) -> None:
        while (text := await self._texts.get()) is not None:
            clause = PlayingClause(text, self.reply_id)
            try:
                await self._synthesize(clause)
                clause.finish()
            except EngineError as error:
                self.failures.append((Part.SPEAKING, error))
                clause.finish(broken=True)
            self._settle()
            await self._stay_close_to_the_ear()

    async def _synthesize(self, clause: PlayingClause) -> None:
        async with aclosing(self._tts.synthesize(clause.text, self._voice)) as sound:
            async for pcm in sound:
                if self._marks.first_audio is None:
                    self._marks.first_audio = self._clock()
                clause.append(pcm)
                if clause not in self.clauses:
                    self._add(clause)

    def _add(self, clause: PlayingClause) -> None:
        self.clauses.append(clause)
        if self._playout and not self._dropped:
            self._playout.say(clause)

    async def _stay_close_to_the_ear(self) -> None:
        await self._started.wait()
        assert self._playout is not None
        while True:
            ahead_s = self._playout.buffered_s - AHEAD_S
            if ahead_s <= 0:
                return
            await asyncio.sleep(max(0.05, ahead_s))
