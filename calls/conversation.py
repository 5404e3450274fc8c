"""The loop of a call: hear, take turns, transcribe, think, speak; begun early, heard only when wanted.

Work on a turn begins with its first pause; the commit (a long enough pause) only lets it be heard. Everything runs as tasks of
one task group.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from audio.playout import Playout
from audio.stt import Transcript
from brain.tools import ToolUse
from calls import events
from calls.drafting import GLIMPSE_MISSES_BYTES, Drafting, Engines
from calls.floor import BACKCHANNEL, Floor
from calls.hearing import Hearing
from calls.history import History
from calls.latency import LatencyBook
from calls.lines import Participant
from calls.manners import Manners
from calls.pause_reader import PauseReader
from calls.state import Phase
from calls.turn import Draft, Turn, TurnState
from calls.turns.addressing import Addressing, Heard
from calls.turns.backchannels import is_backchannel
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing
from calls.turns.lulls import LullEdge
from calls.turns.patience import Patience
from calls.turns.revisions import Revisions
from calls.turns.text_cues import finished_by_words
from calls.typed_turn import readable, typed_turn
from engines import Remedy, Trouble, listen_to_troubles
from errors import EngineError

log = logging.getLogger(__name__)

NOBODY = Participant(0, "")
WATCH_S = 0.05
LONGEST_HOLD_S = 3.0
"""A bot that somebody has talked over for this long gives up the floor, whatever is being said."""


class Conversation:
    """One call's talk. ``hear`` is fed by the line on the event loop; :meth:`run` goes on until it is cancelled."""

    def __init__(
        self,
        chat_id: int,
        engines: Engines,
        manners: Manners,
        playout: Playout,
        bus: events.EventBus,
        chance: Callable[[], float] = random.random,
        history: History | None = None,
    ) -> None:
        self.history = History() if history is None else history
        self._clock = asyncio.get_running_loop().time
        self._chat_id = chat_id
        self._chance = chance
        self._manners = manners
        self._engines = engines
        self._playout = playout
        self._bus = bus
        self._group = asyncio.TaskGroup()
        self._revisions = Revisions()
        self._people: dict[int, Participant] = {}
        self._hearings: dict[int, Hearing] = {}
        self._pause_readers: dict[int, PauseReader] = {}
        self._addressing = Addressing(manners.addressing)
        self._held_since_s: float | None = None
        self._last_word_s = self._clock()
        self._asked_whether_there = False
        self._turns: dict[int, Turn] = {}
        self._drafting = Drafting(engines, manners, self.history, self._revisions, self._spawn, self._clock)
        self._floor = Floor(
            self._drafting, playout, self.history, self._publish, self._spawn, self._close, manners.longest_wait_for_floor_s
        )
        self._floor.why_not_answer = self._why_not_answer
        self._floor.replied = lambda turn, heard: self._addressing.replied(turn.participant.id, self._clock(), heard)
        self._floor.would_answer = lambda turn, draft: self._addressing.foresee(self._heard(turn, draft.transcript), self._clock())
        self._floor.say_unasked = self.announce
        self._drafting.on_words = self._on_words
        self._drafting.on_glimpse = self._expect
        self._drafting.on_tool = self._note_tool
        self._drafting.present = lambda: [person.name for person in self._people.values()]
        self._floor.others_speaking = self._others_speaking
        playout.held_back = self._held_back

    # ---- life

    async def run(self) -> None:
        """Converse until cancelled; every task of the conversation ends with it."""
        async with self._group:
            self._spawn(self._prefill())
            self._spawn(self._watch())
            if self._manners.welcome:
                self.announce(self._manners.welcome)
            await self._floor.run()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(self._guarded(work))
        task.add_done_callback(lambda _task: work.close())
        return task

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        listen_to_troubles(self._note_trouble)
        try:
            await work
        except Exception:
            log.exception("a task of the conversation failed", extra={"chat_id": self._chat_id})

    def announce(self, text: str, language: str | None = None, *, first: bool = False) -> asyncio.Event:
        """Say something that nobody asked for, when what was asked before is answered; what is returned is set when it is over.

        ``language`` is that of the text, where it is not the call's; ``first``: before everything that waits to be answered.
        """
        return self._floor.announce(Turn(NOBODY, self._revisions.begin(), announced=text, announced_in=language), first=first)

    def typed(self, participant: Participant, text: str) -> None:
        """Somebody writes instead of speaking: it interrupts the bot and is answered like a spoken turn."""
        if not (words := readable(text)):
            return
        self._interrupt(participant)
        self._asked_whether_there = False
        turn = typed_turn(participant, words, self._language, self._revisions, self._clock())
        self._publish(events.TurnBegan, turn_id=turn.turn_id, speaker=participant.name, speaker_id=participant.id)
        self._floor.commit(turn)

    def change_manners(self, manners: Manners) -> None:
        """From the next turn on; how a participant is listened to stays as it was when they were first heard."""
        self._manners = manners
        self._addressing.rules = manners.addressing
        self._drafting.change_manners(manners)

    async def _prefill(self) -> None:
        try:
            await self._drafting.prefill()
        except EngineError as error:
            self._publish(events.EngineFailed, part="thinking", what=str(error))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for hearing in list(self._hearings.values()):
                hearing.fill_gap()
            self._end_long_silences()
            self._ask_whether_anybody_is_there()

    def _ask_whether_anybody_is_there(self) -> None:
        if self._manners.idle_prompt_s is None:
            return
        if self._floor.phase is not Phase.LISTENING or any(hearing.in_turn for hearing in self._hearings.values()):
            self._last_word_s = self._clock()
            return
        if not self._asked_whether_there and self._clock() - self._last_word_s >= self._manners.idle_prompt_s:
            self._asked_whether_there = True
            self.announce(self._manners.idle_prompt)

    def _end_long_silences(self) -> None:
        """A held reply goes on when nobody speaks any more, and is given up when somebody does for long."""
        if not self._playout.held:
            self._held_since_s = None
            return
        self._held_since_s = self._held_since_s or self._clock()
        speaking = [hearing for hearing in self._hearings.values() if hearing.in_turn]
        if not speaking and not self._floor.deciding() and not self._anybody_sounds:
            self._go_on()
        elif speaking and self._clock() - self._held_since_s > LONGEST_HOLD_S:
            self._interrupt(speaking[0].participant)

    def _publish(self, event: type[events.CallEvent], **fields: Any) -> None:
        self._bus.publish(event(chat_id=self._chat_id, at_s=self._clock(), **fields))

    def _note_trouble(self, trouble: Trouble) -> None:
        told = {"part": trouble.part.value, "engine": trouble.engine, "what": trouble.what}
        if trouble.remedy is Remedy.RETRIED:
            self._publish(events.EngineRetried, **told)
        else:
            self._publish(events.EngineReplaced, **told, by=trouble.by)

    def _note_tool(self, turn: Turn, use: ToolUse, seconds: float) -> None:
        call, result = use.call, use.result
        self._publish(
            events.ToolUsed,
            turn_id=turn.turn_id,
            tool=call.name,
            arguments=call.arguments,
            outcome=result.outcome.value,
            result=result.text,
            seconds=seconds,
        )

    @property
    def phase(self) -> Phase:
        """listening, thinking or speaking."""
        return self._floor.phase

    @property
    def latency(self) -> LatencyBook:
        """The call's newest voice-to-voice times."""
        return self._floor.latency

    # ---- hearing

    def hear(self, participant: Participant, frame: bytes) -> None:
        """Take 10 ms of one participant (16 kHz mono); the line's sink."""
        hearing = self._hearings.get(participant.id)
        if hearing is None:
            hearing = self._begin_to_hear(participant)
        hearing.hear(frame)

    def participant_joined(self, participant: Participant) -> None:
        """Somebody is in the call, whether or not they ever speak."""
        self._people[participant.id] = participant

    def participant_left(self, participant: Participant) -> None:
        """Somebody has gone: what they were saying is answered as far as it was heard."""
        self._people.pop(participant.id, None)
        hearing = self._hearings.get(participant.id)
        if hearing and hearing.in_turn:
            self.on_edge(hearing, Edge.ENDED)
        self._hearings.pop(participant.id, None)
        self._pause_readers.pop(participant.id, None)

    def forget(self, participant_id: int) -> None:
        """Somebody does not want to be listened to: what they have said is answered no more, except where the answer sounds already."""
        hearing = self._hearings.pop(participant_id, None)
        if hearing is None:
            return
        self._tell_pause_reader(hearing, Edge.DROPPED)
        self._pause_readers.pop(participant_id, None)
        if turn := self._turns.pop(participant_id, None):
            self._close(turn)
        self._floor.withdraw(participant_id)
        if not self._floor.deciding() and not any(other.in_turn for other in self._hearings.values()):
            self._go_on()

    def _begin_to_hear(self, participant: Participant) -> Hearing:
        self._people.setdefault(participant.id, participant)
        hearing = self._hearings[participant.id] = self._new_hearing(participant)
        if self._manners.waits:
            self._pause_readers[participant.id] = PauseReader(
                (self._chat_id, participant.id),
                Patience(self._manners.waits),
                self._engines.turn_judge,
                hearing.pcm,
                self._spawn,
                hearing.end_after,
            )
        return hearing

    def _new_hearing(self, participant: Participant) -> Hearing:
        manners = self._manners
        return Hearing(participant, manners.new_activity(), Endpointing(manners.pauses), BargeIn(manners.barge_in), self._clock, self)

    def bot_audible(self) -> bool:
        """Whether the bot's voice sounds just now."""
        return self._playout.audible

    def _others_speaking(self, participant: Participant) -> bool:
        return any(hearing.speaking for hearing in self._hearings.values() if hearing.participant.id != participant.id)

    def _held_back(self) -> bool:
        return any(hearing.holds_back() for hearing in self._hearings.values())

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None:
        """The bot's voice ducks, holds, stops or comes back because of a participant."""
        match step:
            case BargeInStep.DUCK:
                self._playout.duck()
            case BargeInStep.UNDUCK:
                self._playout.unduck()
            case BargeInStep.HOLD:
                self._playout.hold()
            case BargeInStep.CUT:
                if len(self._people) <= 1 or self._floor.is_answering(hearing.participant):
                    self._interrupt(hearing.participant)
        self._floor.changed()

    # ---- turns

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        """A participant's turn began, paused, resumed, ended, or was nothing."""
        self._tell_pause_reader(hearing, edge)
        match edge:
            case Edge.BEGAN:
                self._begin(hearing)
            case Edge.PAUSED:
                self._pause(self._turns[hearing.participant.id], hearing)
            case Edge.RESUMED:
                self._resume(self._turns[hearing.participant.id])
            case Edge.ENDED:
                self._commit(self._turns.pop(hearing.participant.id), hearing)
            case Edge.DROPPED:
                self._drop(self._turns.pop(hearing.participant.id), hearing)
        self._floor.changed()

    def _tell_pause_reader(self, hearing: Hearing, edge: Edge) -> None:
        reader = self._pause_readers.get(hearing.participant.id)
        if reader is None:
            return
        match edge:
            case Edge.PAUSED:
                reader.paused()
            case Edge.RESUMED:
                reader.resumed(hearing.last_pause_s)
            case Edge.ENDED | Edge.DROPPED:
                reader.ended()
            case _:
                pass

    def _begin(self, hearing: Hearing) -> None:
        participant = hearing.participant
        turn = self._floor.take_back(participant)
        if turn:
            self._resume(turn)
            if reader := self._pause_readers.get(participant.id):
                reader.resumed(hearing.last_pause_s)
        else:
            turn = Turn(participant, self._revisions.begin())
        self._asked_whether_there = False
        self._turns[participant.id] = turn
        self._publish(events.TurnBegan, turn_id=turn.turn_id, speaker=participant.name, speaker_id=participant.id)

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        """Where a participant may just have ended, transcribing begins at once; where not, nothing has happened."""
        turn = self._turns[hearing.participant.id]
        match edge:
            case LullEdge.DIPPED:
                self._drafting.glimpse(turn, lambda: turn.carried + hearing.pcm())
            case LullEdge.BEGAN if self._drafting.speculation.may_listen_in_a_lull():
                self._draft(turn, hearing, early=True)
            case LullEdge.LASTS:
                self._expect(turn)
            case LullEdge.OVER if turn.drop_early_draft():
                turn.revision = self._revisions.advance(turn.revision)

    def _pause(self, turn: Turn, hearing: Hearing) -> None:
        draft = turn.draft
        if draft and draft.early and draft.covers_bytes >= len(turn.carried) + hearing.sounding_bytes:
            self._drafting.confirm(turn, draft, hearing.speech_ended_at_s)
        elif self._drafting.speculation.may_work_ahead():
            self._draft(turn, hearing)
        else:
            turn.drop_draft()
        self._expect(turn)

    def _resume(self, turn: Turn) -> None:
        turn.state = TurnState.OPEN
        turn.revision = self._revisions.advance(turn.revision)
        turn.go_on()

    def _draft(self, turn: Turn, hearing: Hearing, *, early: bool = False) -> Draft:
        if turn.draft:
            turn.revision = self._revisions.advance(turn.revision)
        return self._drafting.begin(turn, turn.carried + hearing.pcm(), hearing.speech_ended_at_s, early=early)

    def _commit(self, turn: Turn, hearing: Hearing) -> None:
        if turn.draft and turn.draft.early:
            self._pause(turn, hearing)
        draft = turn.draft or self._draft(turn, hearing)
        draft.marks.committed = self._clock()
        turn.carried += hearing.pcm()
        self._floor.commit(turn)

    def _drop(self, turn: Turn, hearing: Hearing) -> None:
        """It was nothing; or a noise behind a turn that had ended before, which then has ended now."""
        if turn.carried:
            self._commit(turn, hearing)
        else:
            self._close(turn)
        self._come_back(turn)

    def _come_back(self, turn: Turn, words: str = "") -> None:
        """Let the bot go on after a turn that was nothing, unless another turn is open or not understood yet: then that one decides."""
        in_turns = [hearing.participant.id for hearing in self._hearings.values() if hearing.in_turn]
        alone = all(self._turns.get(participant_id) is turn for participant_id in in_turns)
        if alone and not self._floor.deciding(besides=turn) and not self._anybody_sounds:
            self._go_on(turn.participant, words)

    @property
    def _anybody_sounds(self) -> bool:
        return any(hearing.voiced for hearing in self._hearings.values())

    def _interrupt(self, by: Participant) -> None:
        if self._floor.interrupt(by):
            self._start_over()

    def _start_over(self) -> None:
        for hearing in self._hearings.values():
            hearing.start_over()

    def _go_on(self, by: Participant | None = None, words: str = "") -> None:
        self._start_over()
        self._floor.come_back(by, words)

    def _close(self, turn: Turn) -> None:
        turn.drop_draft()
        turn.state = TurnState.OVER
        self._revisions.close(turn.revision)

    # ---- what the words of a turn mean, as soon as there are any

    def _on_words(self, turn: Turn, draft: Draft) -> None:
        words = draft.transcript.text if draft.transcript and self._drafting.understood(draft) else ""
        if words and (reader := self._pause_readers.get(turn.participant.id)) and turn.state is TurnState.OPEN:
            reader.words(words, self._language_of(draft))
        self._caption(turn, words)
        turn.aside = self._aside(turn, draft, words) if self._floor.speaks_to_another_turn(turn) else ""
        if not words or turn.aside:
            self._come_back(turn, words)
            return
        self._interrupt(turn.participant)
        if not self._floor.taken_by_another(turn) and self._addressing.foresee(self._heard(turn, draft.transcript), self._clock()):
            self._drafting.reply(turn, draft)

    def _caption(self, turn: Turn, words: str) -> None:
        if words and turn.state is TurnState.OPEN:
            speaker = turn.participant
            self._publish(
                events.TurnPartial,
                turn_id=turn.turn_id,
                revision=turn.revision.number,
                speaker=speaker.name,
                speaker_id=speaker.id,
                text=words,
            )

    def _expect(self, turn: Turn) -> None:
        """Who has fallen silent has probably said what was glimpsed of it: the reply to that begins before it is known for certain."""
        draft, glimpse = turn.draft, turn.glimpse
        hearing = self._hearings.get(turn.participant.id)
        if glimpse is None or hearing is None or self._turns.get(turn.participant.id) is not turn:
            return
        if draft is None or not draft.ready.is_set():
            self._caption(turn, glimpse.transcript.text)
        if draft is None:
            self._read_ahead(turn, glimpse.transcript)
            return
        if draft.ready.is_set() or not hearing.has_fallen_silent:
            return
        if len(turn.carried) + hearing.sounding_bytes - glimpse.covers_bytes > GLIMPSE_MISSES_BYTES:
            return
        words = glimpse.transcript
        if finished_by_words(words.text, words.language) < 0 or self._floor.taken_by_another(turn):
            return
        if self._addressing.foresee(self._heard(turn, words), self._clock()):
            self._drafting.expect(turn, draft, words.text)

    def _read_ahead(self, turn: Turn, words: Transcript) -> None:
        """Whoever still speaks to the bot has most of it said: the brain may read that already."""
        if not self._floor.taken_by_another(turn) and self._addressing.foresee(self._heard(turn, words), self._clock()):
            self._spawn(self._drafting.read_ahead(turn, words.text))

    def _aside(self, turn: Turn, draft: Draft, words: str) -> str:
        """Why words spoken over the bot's voice are not meant to stop it; empty: they are."""
        hearing = self._hearings.get(turn.participant.id)
        if hearing and is_backchannel(words, hearing.spoken_s, self._language_of(draft)):
            return BACKCHANNEL
        addressed = self._addressing.foresee(self._heard(turn, draft.transcript), self._clock()) or self._floor.is_answering(
            turn.participant
        )
        return "" if addressed else "said to somebody else"

    def _why_not_answer(self, turn: Turn, draft: Draft) -> str:
        """Asked once for each committed turn; empty: it is answered."""
        if turn.aside:
            return turn.aside
        verdict = self._addressing.decide(self._heard(turn, draft.transcript), self._clock(), self._chance())
        return "" if verdict.answers else verdict.name.lower().replace("_", " ")

    def _heard(self, turn: Turn, words: Transcript | None) -> Heard:
        others = [person.name for person in self._people.values() if person.id != turn.participant.id]
        text, language = (words.text, words.language) if words else ("", self._language)
        return Heard(text, turn.participant.id, len(others) + 1, language, tuple(others))

    def _language_of(self, draft: Draft) -> str:
        return draft.transcript.language if draft.transcript else self._language

    @property
    def _language(self) -> str:
        return self._manners.language or "en"
