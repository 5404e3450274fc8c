"""Follows one participant's pauses: asks the turn model again and again, adds what the words say, and tells how long to wait by now."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Hashable
from typing import Final, Protocol

from calls.turns.endpointing import Edge
from calls.turns.patience import NOTHING, Evidence, Patience
from calls.turns.text_cues import Ending, finished_by_words
from errors import EngineError

log = logging.getLogger(__name__)

READ_EVERY_S: Final = 0.15
MOST_READINGS: Final = 2
"""Later ones mislead: the longer the silence that the model hears, the more anything sounds finished (``benchmarks/fit_turns.py``)."""
WORDS_BY_S: Final = 0.4
"""A turn model that is asked after the words is asked by then, whether or not they are known."""
SETTLED_BY_WORDS: Final = Ending.QUESTION.value
"""A turn model that is asked after the words is not asked where they say so much: it would keep the answer to a question waiting."""


class TurnJudge(Protocol):
    """What :class:`audio.turn_model.TurnModel` is to a call."""

    async def completeness(self, pcm: bytes, speaker: Hashable = None) -> float | None:
        """The probability that ``speaker`` has finished, or ``None`` when the model has no time for the question.

        :raises errors.EngineError: the model failed.
        """


class PauseReader:
    """One participant's. ``tell(wait_s)`` is called whenever the silence that ends the turn has changed.

    ``pcm`` gives the turn up to now (16 kHz mono), ``spawn`` starts a task in the call's group. Without a ``judge`` words and silence
    decide; a judge that fails is left out for the rest of the pause.

    ``words_first``: the judge is asked when the words are known, because it takes the processor from speech to text, and the turn does not
    end in less than the usual wait before the judge was heard, unless the words are a question. Right where a reply takes longer than the
    two of them.
    """

    def __init__(
        self,
        speaker: Hashable,
        patience: Patience,
        judge: TurnJudge | None,
        pcm: Callable[[], bytes],
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
        tell: Callable[[float], None],
        *,
        words_first: bool = False,
    ) -> None:
        self._speaker = speaker
        self._patience = patience
        self._judge = judge
        self._pcm = pcm
        self._spawn = spawn
        self._tell = tell
        self._words_first = words_first
        self._words_known = asyncio.Event()
        self._evidence = NOTHING
        self._reading: asyncio.Task[None] | None = None

    @property
    def evidence(self) -> Evidence:
        """What is known of the turn in its present pause."""
        return self._evidence

    @property
    def wait_s(self) -> float:
        """The silence that ends the turn, as far as it is known now."""
        wait_s = self._patience.wait_s(self._evidence)
        return max(wait_s, self._patience.usual_s) if self._judge_decides else wait_s

    @property
    def _judge_decides(self) -> bool:
        asked_later = self._words_first and self._reading is not None and not self._evidence.readings
        return asked_later and (self._evidence.words or 0.0) < SETTLED_BY_WORDS

    def follow(self, edge: Edge, last_pause_s: float) -> None:
        """Take an edge of the participant's turns; ``last_pause_s`` is the silence before their newest stretch of speech."""
        match edge:
            case Edge.PAUSED:
                self.paused()
            case Edge.RESUMED:
                self.resumed(last_pause_s)
            case Edge.ENDED | Edge.DROPPED:
                self.ended()
            case Edge.BEGAN:
                pass

    def paused(self) -> None:
        """The participant has paused: nothing is known yet of this pause."""
        self._forget()
        if self._judge is not None:
            self._reading = self._spawn(self._read(self._judge))

    def words(self, text: str, language: str) -> None:
        """The words of the turn up to this pause."""
        self._words_known.set()
        self._know(self._evidence.read(finished_by_words(text, language)))

    def resumed(self, pause_s: float) -> None:
        """The participant goes on after ``pause_s``, even if the turn was taken to be over."""
        self._patience.learn(pause_s)
        self._forget()

    def ended(self) -> None:
        """The turn is over, or was nothing."""
        self._forget()

    def _forget(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._words_known.clear()
        self._know(NOTHING)

    def _know(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._tell(self.wait_s)

    async def _read(self, judge: TurnJudge) -> None:
        if self._words_first:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WORDS_BY_S):
                    await self._words_known.wait()
        await self._ask(judge)
        self._reading = None
        self._know(self._evidence)

    async def _ask(self, judge: TurnJudge) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(MOST_READINGS):
            if self.wait_s <= self._patience.waits.shortest_s:
                return
            next_at_s = loop.time() + READ_EVERY_S
            try:
                completeness = await judge.completeness(self._pcm(), self._speaker)
            except EngineError as failed:
                log.warning("turns are ended without the turn model: %s", failed)
                return
            if completeness is not None:
                self._know(self._evidence.heard(completeness))
            await asyncio.sleep(max(0.0, next_at_s - loop.time()))
