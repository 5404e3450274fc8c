"""Preparing answers before they are wanted: words first, then the reply to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from audio.stt import GlimpsingSpeechToText, SpeechToText, Transcript
from audio.stt.word_errors import normalized_words
from audio.tts import TextToSpeech, Voice
from brain import Brain, Message, Role
from brain.built_in_tools import BUILT_IN
from brain.prompt import prompt
from brain.summary import Summaries
from brain.toolbox import Toolbox
from brain.tools import Circumstances, Tool, ToolUse
from calls.answer import Answer, FixedAnswer, ThoughtAnswer
from calls.history import History
from calls.latency import Marks
from calls.manners import Manners
from calls.pause_reader import TurnJudge
from calls.reply import Reply
from calls.speculation import Speculation
from calls.turn import Draft, Glimpse, Turn, TurnState
from calls.turns.revisions import Revisions
from errors import EngineError

Spawn = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
Clock = Callable[[], float]

GLIMPSE_MISSES_BYTES: Final = int(0.3 * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
"""Sound that a glimpse may lack and still have all words: with the last 200 ms cut off, Whisper heard the same in four of five clips."""
AS_SURE: Final = 0.05
"""Of two readings of the same words, the first one stays unless the other is surer by this much: a reply to it may have begun."""
WORDS_LATE_S: Final = 2.0
"""A committed turn without words after this long holds up nobody else."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What the conversation hears, thinks and speaks with; shared by all calls."""

    stt: SpeechToText
    brain: Brain
    tts: TextToSpeech
    turn_judge: TurnJudge | None = None
    """Judges by the sound of a turn whether it is over; without one words and silence decide."""
    speculation: Speculation = field(default_factory=Speculation)
    tools: tuple[Tool, ...] = BUILT_IN
    """What there is; each chat allows its own."""


class Drafting:
    """Makes drafts. ``on_words(turn, draft)`` is called when a draft that is still wanted has its words, or failed to get them,
    ``on_glimpse(turn)`` when there are words of a turn whose participant may still speak.

    ``on_tool(turn, use, seconds)`` is called for each tool used, when that is over; ``present()`` gives the names of who is in the call.
    """

    def __init__(self, engines: Engines, manners: Manners, history: History, revisions: Revisions, spawn: Spawn, clock: Clock) -> None:
        self._engines = engines
        self._manners = manners
        self._history = history
        self._revisions = revisions
        self._spawn = spawn
        self._clock = clock
        self._summaries = self._new_summaries()
        self._summarised = history.shortened
        self.on_words: Callable[[Turn, Draft], None] = lambda _turn, _draft: None
        self.on_glimpse: Callable[[Turn], None] = lambda _turn: None
        self.on_tool: Callable[[Turn, ToolUse, float], None] = lambda _turn, _use, _seconds: None
        self.present: Callable[[], Collection[str]] = tuple

    def change_manners(self, manners: Manners) -> None:
        """From the next reply on."""
        self._manners = manners

    @property
    def now_s(self) -> float:
        """The time of all marks."""
        return self._clock()

    @property
    def language(self) -> str:
        """In which the bot speaks."""
        return self._manners.voice.language

    @property
    def brain_is_here(self) -> bool:
        """The brain computes on this machine, beside speech to text."""
        return self._manners.small_model

    @property
    def speculation(self) -> Speculation:
        """The budget of work ahead of time, shared by all calls."""
        return self._engines.speculation

    def begin(self, turn: Turn, pcm: bytes, speech_ended_at_s: float, *, early: bool = False) -> Draft:
        """Start a draft on the turn as it is now, in place of any older one; ``early``: in a lull that may be no pause."""
        turn.drop_draft()
        draft = turn.draft = Draft(turn.revision, Marks(speech_ended_at_s), early=early)
        draft.covers_bytes = len(pcm)
        draft.hearing = self._spawn(self._hear_out(turn, draft, pcm))
        return draft

    def glimpse(self, turn: Turn, pcm: Callable[[], bytes]) -> None:
        """Have a look at the words of the turn so far, if the engine can and nothing else is being transcribed."""
        stt = self._engines.stt
        if isinstance(stt, GlimpsingSpeechToText) and self.speculation.may_glimpse(self._clock()):
            self._spawn(self._look_at(turn, pcm(), stt))

    async def _look_at(self, turn: Turn, pcm: bytes, stt: GlimpsingSpeechToText) -> None:
        """What comes with the same packet goes first: if a lull has begun with it, there is nothing to glimpse."""
        await asyncio.sleep(0)
        if not self.speculation.may_glimpse(self._clock()):
            return
        settled, settled_bytes = turn.settled, turn.settled_bytes
        try:
            with self.speculation.glimpse(self._clock):
                seen = await stt.glimpse(pcm[settled_bytes:], self._manners.language)
        except EngineError:
            return
        if seen and seen.confidence >= self._manners.lowest_confidence:
            turn.glimpse = Glimpse(_joined(settled, seen), len(pcm))
            self.on_glimpse(turn)

    async def _hear_out(self, turn: Turn, draft: Draft, pcm: bytes) -> None:
        settled, settled_bytes = turn.settled, turn.settled_bytes
        try:
            with self.speculation.transcription():
                heard = await self._engines.stt.transcribe(pcm[settled_bytes:], self._manners.language)
            draft.unsure = bool(heard.text.strip()) and heard.confidence < self._manners.lowest_confidence
            draft.transcript = _surer(_joined(settled, replace(heard, text="") if draft.unsure else heard), turn.glimpse, draft)
        except EngineError as error:
            draft.failure = error
            draft.transcript = settled
        if not self._revisions.is_latest(draft.revision):
            turn.settle(draft)
            return
        draft.marks.heard = self._clock()
        if not draft.early:
            self.on_words(turn, draft)
        draft.ready.set()

    def confirm(self, turn: Turn, draft: Draft, speech_ended_at_s: float) -> None:
        """The lull in which ``draft`` was begun is a pause: its words count from now on."""
        draft.early = False
        draft.marks.speech_ended = speech_ended_at_s
        if draft.ready.is_set():
            self.on_words(turn, draft)

    def understood(self, draft: Draft) -> bool:
        """There are words, and the engine is sure enough of them."""
        return draft.transcript is not None and bool(draft.transcript.text.strip())

    def words_are_late(self, draft: Draft) -> bool:
        """The turn was committed a while ago, and its words are not there."""
        committed = draft.marks.committed
        return not draft.ready.is_set() and committed is not None and self._clock() - committed >= WORDS_LATE_S

    def reply(self, turn: Turn, draft: Draft) -> Reply:
        """The reply of the draft, made now if there is none or if more was said in the meantime than it knows of."""
        if turn.announced and draft.reply:
            return draft.reply
        assert draft.transcript is not None
        said = draft.transcript.text
        if draft.reply is None or draft.history_version != self._history.version or not _same_words(draft.replies_to, said):
            draft.drop_reply()
            self._make_reply(turn, draft, said)
        assert draft.reply is not None
        return draft.reply

    def expect(self, turn: Turn, draft: Draft, words: str) -> None:
        """Begin the reply to ``words``, which are likely to be what the draft will be found to say, in place of one to other words."""
        if draft.reply is None or not _same_words(draft.replies_to, words):
            draft.drop_reply()
            self._make_reply(turn, draft, words)

    def _make_reply(self, turn: Turn, draft: Draft, said: str) -> None:
        draft.replies_to = said
        self._summaries.give_way()
        draft.history_version = self._history.version
        draft.marks.first_clause = draft.marks.first_audio = None
        draft.reply = self._new_reply(turn, draft.marks, self._thought(turn, said))
        draft.replying = self._spawn(draft.reply.run())
        draft.prepared = turn.state is TurnState.OPEN
        self.speculation.begun += draft.prepared

    def spoken(self, draft: Draft) -> None:
        """The draft's reply begins to be heard."""
        self.speculation.used += draft.prepared

    def fixed_reply(self, turn: Turn, draft: Draft, text: str) -> Reply:
        """A reply with words of our own, in place of one that could not be thought."""
        used = draft.reply.answer.uses if draft.reply else ()
        draft.reply = self._new_reply(turn, draft.marks, FixedAnswer(text, used))
        draft.replying = self._spawn(draft.reply.run())
        return draft.reply

    def announcement(self, turn: Turn) -> Draft:
        """A draft that says ``turn.announced``."""
        draft = turn.draft = Draft(turn.revision, Marks(self._clock()))
        draft.ready.set()
        self.fixed_reply(turn, draft, turn.announced)
        return draft

    def _new_reply(self, turn: Turn, marks: Marks, answer: Answer) -> Reply:
        return Reply(turn.turn_id, answer, self._engines.tts, self._voice(turn.announced_in), marks, self._clock)

    def _voice(self, language: str | None) -> Voice:
        voice = self._manners.voice
        return voice if language is None or language == voice.language else Voice(language, rate_percent=voice.rate_percent)

    def _thought(self, turn: Turn, said: str) -> Answer:
        return ThoughtAnswer(
            self._engines.brain,
            self.messages(turn.participant.name, said),
            Toolbox.for_speech(self._engines.tools, self._manners.tools),
            self._circumstances,
            lambda use, seconds: self.on_tool(turn, use, seconds),
        )

    def _circumstances(self) -> Circumstances:
        return Circumstances(tuple(self.present()), datetime.now(ZoneInfo(self._manners.time_zone)))

    def messages(self, speaker: str = "", said: str = "") -> list[Message]:
        """What the brain is told: who it is, what was said and heard so far, and (if any) the newest words."""
        newest = [Message(Role.USER, said, speaker)] if said else []
        history = [*self._history.messages(), *newest]
        manners = self._manners
        return prompt(
            manners.instructions,
            history,
            history_tokens=manners.history_tokens,
            small_model=manners.small_model,
            summary=self._summary_so_far().latest,
        )

    async def summarise(self) -> None:
        """Keep what is about to fall out of the brain's budget as a summary, while nobody waits for the brain.

        A small model is slow at it and repeats what it was given; with one, what is old is left out.
        """
        if self._manners.small_model:
            return
        await self._summary_so_far().refresh(list(self._history.messages()))

    def _summary_so_far(self) -> Summaries:
        """What covers messages that have been forgotten since is forgotten, too."""
        if self._summarised != self._history.shortened:
            self._summaries.give_way()
            self._summaries = self._new_summaries()
            self._summarised = self._history.shortened
        return self._summaries

    def _new_summaries(self) -> Summaries:
        return Summaries(self._engines.brain, self._manners.history_tokens, self._manners.bot_name)

    async def read_ahead(self, turn: Turn, said: str) -> None:
        """Let the brain read what somebody has said so far. Whether it can be reached is told by the reply."""
        with contextlib.suppress(EngineError):
            await self._engines.brain.prefill(self.messages(turn.participant.name, said))

    async def prefill(self) -> None:
        """Let the brain read ahead of time what it will be told anyway.

        :raises errors.EngineError: the brain cannot be reached.
        """
        await self._engines.brain.prefill(self.messages())


def _joined(settled: Transcript | None, heard: Transcript) -> Transcript:
    """The words of a turn whose beginning was transcribed before; what follows it may be nothing."""
    if settled is None:
        return heard
    return replace(heard, text=f"{settled.text} {heard.text}") if heard.text else settled


def _surer(heard: Transcript, glimpse: Glimpse | None, draft: Draft) -> Transcript:
    """The likelier of two readings of the same words. Right more often than the later one, on 25 clips."""
    if glimpse is None or not 0 <= draft.covers_bytes - glimpse.covers_bytes <= GLIMPSE_MISSES_BYTES:
        return heard
    seen = glimpse.transcript
    as_many = len(normalized_words(seen.text)) == len(normalized_words(heard.text))
    return seen if as_many and seen.confidence > heard.confidence - AS_SURE else heard


def _same_words(one: str, other: str) -> bool:
    return one == other or normalized_words(one) == normalized_words(other)
