"""The loop of a call: hear, take turns, transcribe, think, speak; begun early, heard only when wanted.

Work on a turn begins with its first pause; the commit (a long enough pause) only lets it be heard. Everything runs as tasks of
one task group.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from audio.playout import Playout
from calls.company import Company
from calls.drafting import Drafting, Engines
from calls.events import EngineFailed, EventBus
from calls.floor import Floor
from calls.foresight import Foresight
from calls.guarded_tasks import GuardedTasks
from calls.hearing import Hearing
from calls.history import History
from calls.idle_prompt import IdlePrompt
from calls.interruptions import Interruptions
from calls.latency import LatencyBook
from calls.lines import Participant
from calls.manners import Manners
from calls.pause_reader import PauseReader
from calls.reporter import Reporter
from calls.state import Phase
from calls.turn import Draft, Turn, TurnState
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing
from calls.turns.lulls import LullEdge
from calls.turns.patience import Patience
from calls.turns.revisions import Revisions
from calls.typed_turn import readable, typed_turn
from calls.watch import Watch
from errors import EngineError

NOBODY = Participant(0, "")


class Conversation:
    """One call's talk. ``hear`` is fed by the line on the event loop; :meth:`run` goes on until it is cancelled."""

    def __init__(
        self,
        chat_id: int,
        engines: Engines,
        manners: Manners,
        playout: Playout,
        bus: EventBus,
        chance: Callable[[], float] = random.random,
        history: History | None = None,
    ) -> None:
        self.history = History() if history is None else history
        self._clock = asyncio.get_running_loop().time
        self._chat_id = chat_id
        self._manners = manners
        self._engines = engines
        self._playout = playout
        self._revisions = Revisions()
        self._hearings: dict[int, Hearing] = {}
        self._pause_readers: dict[int, PauseReader] = {}
        self._turns: dict[int, Turn] = {}
        self._idle_prompt = IdlePrompt(self._clock())
        self._reporter = Reporter(bus, chat_id, self._clock)
        self._tasks = GuardedTasks(chat_id, self._reporter.trouble)
        self._company = Company(manners, self._clock, chance)
        self._drafting = Drafting(engines, manners, self.history, self._revisions, self._tasks.spawn, self._clock)
        self._floor = Floor(
            self._drafting, playout, self.history, self._reporter.publish, self._tasks.spawn, self._close, manners.longest_wait_for_floor_s
        )
        self._foresight = Foresight(self._drafting, self._floor, self._company, self._reporter, self._tasks.spawn)
        self._interruptions = Interruptions(playout, self._floor, self._company, self._hearings, self._turns, self._clock)
        self._watch = Watch(self._look_after_silence)
        self._connect()

    def _connect(self) -> None:
        """Answer what the parts ask, and take what they tell."""
        self._drafting.on_words = self._on_words
        self._drafting.on_glimpse = self._expect
        self._drafting.on_tool = self._reporter.tool_used
        self._drafting.present = self._company.names
        self._floor.why_not_answer = self._company.why_not_answer
        self._floor.replied = self._company.replied
        self._floor.would_answer = lambda turn, draft: self._company.means_bot(turn, draft.transcript)
        self._floor.say_unasked = self.announce
        self._floor.others_speaking = self._others_speaking
        self._floor.on_phase = self._watch.stir

    # ---- life

    async def run(self) -> None:
        """Converse until cancelled; every task of the conversation ends with it."""
        if self._manners.welcome:
            self.announce(self._manners.welcome)
        await self._tasks.run(self._prefill(), self._watch.run(), until=self._floor.run())

    def announce(self, text: str, language: str | None = None, *, first: bool = False) -> asyncio.Event:
        """Say something that nobody asked for, when what was asked before is answered; what is returned is set when it is over.

        ``language`` is that of the text, where it is not the call's; ``first``: before everything that waits to be answered.
        """
        return self._floor.announce(Turn(NOBODY, self._revisions.begin(), announced=text, announced_in=language), first=first)

    def typed(self, participant: Participant, text: str) -> None:
        """Somebody writes instead of speaking: it interrupts the bot and is answered like a spoken turn."""
        if not (words := readable(text)):
            return
        self._interruptions.interrupt(participant)
        self._idle_prompt.somebody_spoke()
        turn = typed_turn(participant, words, self._company.language, self._revisions, self._clock())
        self._reporter.turn_began(turn)
        self._floor.commit(turn)

    def change_manners(self, manners: Manners) -> None:
        """From the next turn on; how a participant is listened to stays as it was when they were first heard."""
        self._manners = manners
        self._company.change_manners(manners)
        self._drafting.change_manners(manners)

    async def _prefill(self) -> None:
        try:
            await self._drafting.prefill()
        except EngineError as error:
            self._reporter.publish(EngineFailed, part="thinking", what=str(error))

    def _look_after_silence(self) -> bool:
        """Frames that stopped coming, a held reply, a call without a word; whether one of the first two may be so soon."""
        for hearing in list(self._hearings.values()):
            hearing.fill_gap()
        self._interruptions.end_long_holds()
        quiet = self._floor.phase is Phase.LISTENING and not any(hearing.in_turn for hearing in self._hearings.values())
        self._ask_whether_anybody_is_there(quiet=quiet)
        return not quiet or self._playout.held

    def _ask_whether_anybody_is_there(self, *, quiet: bool) -> None:
        if self._idle_prompt.due(self._clock(), self._manners.idle_prompt_s, quiet=quiet):
            self.announce(self._manners.idle_prompt)

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
        self._company.joined(participant)

    def participant_left(self, participant: Participant) -> None:
        """Somebody has gone: what they were saying is answered as far as it was heard."""
        self._company.left(participant)
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
        self._interruptions.somebody_withdrew()

    def _begin_to_hear(self, participant: Participant) -> Hearing:
        self._company.sounded(participant)
        hearing = self._hearings[participant.id] = self._new_hearing(participant)
        if self._manners.waits:
            self._pause_readers[participant.id] = PauseReader(
                (self._chat_id, participant.id),
                Patience(self._manners.waits),
                self._engines.turn_judge,
                hearing.pcm,
                self._tasks.spawn,
                hearing.end_after,
                words_first=self._drafting.brain_is_here,
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

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None:
        """The bot's voice ducks, holds, stops or comes back because of a participant."""
        self._interruptions.take(hearing, step)
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
        if reader := self._pause_readers.get(hearing.participant.id):
            reader.follow(edge, hearing.last_pause_s)

    def _begin(self, hearing: Hearing) -> None:
        participant = hearing.participant
        turn = self._floor.take_back(participant)
        if turn:
            self._resume(turn)
            self._tell_pause_reader(hearing, Edge.RESUMED)
        else:
            turn = Turn(participant, self._revisions.begin())
        self._idle_prompt.somebody_spoke()
        self._watch.stir()
        self._turns[participant.id] = turn
        self._reporter.turn_began(turn)

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        """Where a participant may just have ended, transcribing begins at once; where not, nothing has happened."""
        turn = self._turns[hearing.participant.id]
        match edge:
            case LullEdge.ROSE if self._drafting.brain_is_here:
                self._glimpse(turn, hearing)
            case LullEdge.DIPPED if not self._drafting.brain_is_here:
                self._glimpse(turn, hearing)
            case LullEdge.BEGAN if self._drafting.speculation.may_listen_in_a_lull():
                self._draft(turn, hearing, early=True)
            case LullEdge.LASTS:
                self._expect(turn)
            case LullEdge.OVER if turn.drop_early_draft():
                turn.revision = self._revisions.advance(turn.revision)

    def _glimpse(self, turn: Turn, hearing: Hearing) -> None:
        self._drafting.glimpse(turn, lambda: turn.carried + hearing.pcm())

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
        self._interruptions.was_nothing(turn)

    def _close(self, turn: Turn) -> None:
        turn.drop_draft()
        turn.state = TurnState.OVER
        self._revisions.close(turn.revision)

    # ---- what the words of a turn mean, as soon as there are any

    def _on_words(self, turn: Turn, draft: Draft) -> None:
        words = draft.transcript.text if draft.transcript and self._drafting.understood(draft) else ""
        if words and (reader := self._pause_readers.get(turn.participant.id)) and turn.state is TurnState.OPEN:
            reader.words(words, self._company.language_of(draft))
        self._reporter.words_so_far(turn, words)
        turn.aside = self._interruptions.why_not_meant(turn, draft, words)
        if not words or turn.aside:
            self._interruptions.was_nothing(turn, words)
            return
        self._interruptions.interrupt(turn.participant)
        self._foresight.prepare(turn, draft)

    def _expect(self, turn: Turn) -> None:
        hearing = self._hearings.get(turn.participant.id)
        if hearing and self._turns.get(turn.participant.id) is turn:
            self._foresight.expect(turn, hearing)
