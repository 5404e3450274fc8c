"""Who may speak: one reply has the floor at a time, committed turns wait for it in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from audio.playout import PlayingClause, Playout
from calls import events
from calls.drafting import WORDS_LATE_S, Drafting, Spawn
from calls.excuses import Excuses
from calls.history import History, PastExchange
from calls.latency import LatencyBook
from calls.lines import Participant
from calls.reply import Reply
from calls.state import Phase
from calls.turn import Draft, Turn, TurnState
from engines import Part
from errors import EngineError

WAITING_TURNS = 3
"""Committed turns waiting for an answer; of more the oldest go unanswered."""
LONGEST_CARRIED_BYTES = 20 * HEARING_RATE_HZ * BYTES_PER_SAMPLE
"""A turn that has this much sound already is not taken back when its participant goes on: the rest is a turn of its own."""
BACKCHANNEL = "backchannel"
SHORTEST_UNSURE_BYTES = HEARING_RATE_HZ * BYTES_PER_SAMPLE
"""Shorter sound that is not understood may be a cough, and nobody is asked to repeat it."""


class Floor:
    """Answers committed turns one after the other.

    ``others_speaking(participant)`` says whether somebody else is in the middle of a sentence, ``would_answer(turn, draft)`` whether a turn
    without words is meant for the bot; ``say_unasked(text)`` has something announced.
    """

    def __init__(
        self,
        drafting: Drafting,
        playout: Playout,
        history: History,
        publish: Callable[..., None],
        spawn: Spawn,
        close: Callable[[Turn], None],
        longest_wait_s: float,
    ) -> None:
        self.latency = LatencyBook()
        self.others_speaking: Callable[[Participant], bool] = lambda _participant: False
        self.why_not_answer: Callable[[Turn, Draft], str] = lambda _turn, _draft: ""
        self.replied: Callable[[Turn, str], None] = lambda _turn, _heard: None
        self.would_answer: Callable[[Turn, Draft], bool] = lambda _turn, _draft: False
        self.say_unasked: Callable[[str], object] = lambda _text: None
        self.on_phase: Callable[[], None] = lambda: None
        self._drafting = drafting
        self._playout = playout
        self._history = history
        self._publish = publish
        self._spawn = spawn
        self._close = close
        self._longest_wait_s = longest_wait_s
        self._waiting: deque[Turn] = deque()
        self._announcements: dict[int, asyncio.Event] = {}
        self._committed = asyncio.Event()
        self._changed = asyncio.Event()
        self._answered: Turn | None = None
        self._answering: asyncio.Task[None] | None = None
        self._phase = Phase.LISTENING
        self._excuses = Excuses()
        self._reply_ended_s = 0.0
        playout.on_clause_began = self._clause_began
        playout.on_clause_done = self._clause_done

    # ---- what is so

    @property
    def phase(self) -> Phase:
        """listening, thinking or speaking."""
        if self._playout.audible:
            return Phase.SPEAKING
        return Phase.THINKING if self._waiting or (self._answered and not self._finished(self._answered)) else Phase.LISTENING

    def changed(self) -> None:
        """Something happened that may free the floor or change the phase."""
        self._changed.set()
        if (phase := self.phase) is not self._phase:
            self._phase = phase
            self.on_phase()
            self._publish(events.PhaseChanged, phase=phase.value)

    def taken_by_another(self, turn: Turn) -> bool:
        """Another turn is being answered."""
        return self._answered is not None and self._answered is not turn

    def speaks_to_another_turn(self, turn: Turn) -> bool:
        """The reply to another turn sounds, or is held in the middle."""
        return self.taken_by_another(turn) and self._answered is not None and self._sounded(self._answered)

    def is_answering(self, participant: Participant) -> bool:
        """The turn that is being answered is this participant's."""
        return self._answered is not None and self._answered.participant.id == participant.id

    def deciding(self, besides: Turn | None = None) -> bool:
        """A committed turn (``besides`` this one) is still being transcribed, in good time."""
        drafts = [turn.draft for turn in self._waiting if turn is not besides and turn.draft]
        return any(not draft.ready.is_set() and not self._drafting.words_are_late(draft) for draft in drafts)

    # ---- turns come and go

    def commit(self, turn: Turn, *, first: bool = False) -> None:
        """The turn has ended and wants an answer; ``first``: before those that wait already."""
        turn.state = TurnState.COMMITTED
        while len(self._waiting) >= WAITING_TURNS:
            self._give_up(self._waiting.popleft())
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        self._committed.set()
        self.changed()

    def announce(self, turn: Turn, *, first: bool = False) -> asyncio.Event:
        """Say ``turn.announced`` when everything before it was answered; what is returned is set when it was said, or cut off.

        ``first``: before what waits to be answered.
        """
        over = self._announcements[turn.turn_id] = asyncio.Event()
        self.commit(turn, first=first)
        return over

    def take_back(self, participant: Participant) -> Turn | None:
        """The participant's last turn, if nothing of the answer to it was heard yet: then it was not over. It is no longer answered."""
        candidates = [turn for turn in (self._answered, *self._waiting) if turn and turn.state is not TurnState.OVER]
        turns = [turn for turn in candidates if turn.participant.id == participant.id and not turn.typed]
        last = max(turns, key=lambda turn: turn.turn_id, default=None)
        if last is None or self._sounded(last) or len(last.carried) > LONGEST_CARRIED_BYTES:
            return None
        if last is self._answered:
            self._stop_answering()
        else:
            self._waiting.remove(last)
        return last

    def withdraw(self, participant_id: int) -> None:
        """Answer nothing more that the participant has said, except what is being answered aloud."""
        for turn in [waiting for waiting in self._waiting if waiting.participant.id == participant_id]:
            self._waiting.remove(turn)
            self._close(turn)
        answered = self._answered
        if answered and answered.participant.id == participant_id and not self._sounded(answered):
            self._stop_answering()
            self._close(answered)
        self.changed()

    def interrupt(self, by: Participant) -> bool:
        """Somebody wants the floor: a reply that has begun to sound ends with what was heard of it; false if there is none."""
        turn = self._answered
        if turn is None or not self._sounded(turn):
            return False
        assert turn.draft is not None
        assert turn.draft.reply is not None
        self._playout.cut()
        self._publish(events.Interrupted, turn_id=turn.turn_id, by=by.name, heard=turn.draft.reply.heard)
        self._end_exchange(turn, turn.draft, interrupted=True)
        self._stop_answering()
        return True

    def come_back(self, by: Participant | None = None, words: str = "") -> None:
        """What silenced the bot was nothing: go on from the word that was broken off."""
        self._playout.unduck()
        if self._playout.held:
            self._playout.release()
            if self._answered:
                name = by.name if by else ""
                self._publish(events.FalseInterruption, turn_id=self._answered.turn_id, by=name, words=words)
        self.changed()

    @staticmethod
    def _sounded(turn: Turn) -> bool:
        return turn.draft is not None and turn.draft.reply is not None and turn.draft.reply.has_sounded

    @staticmethod
    def _finished(turn: Turn) -> bool:
        return turn.draft is not None and turn.draft.reply is not None and turn.draft.reply.finished.is_set()

    def _stop_answering(self) -> None:
        if self._answering:
            self._answering.cancel()
            self._playout.cut()
        self._answered = self._answering = None

    def _give_up(self, turn: Turn) -> None:
        said = turn.draft.transcript.text if turn.draft and turn.draft.transcript else ""
        if said:
            self._history.add(PastExchange(turn.participant.name, said, "", speaker_id=turn.participant.id))
        speaker = turn.participant
        self._publish(
            events.TurnIgnored,
            turn_id=turn.turn_id,
            speaker=speaker.name,
            speaker_id=speaker.id,
            text=said,
            reason="too many waiting",
        )
        if over := self._announcements.pop(turn.turn_id, None):
            over.set()
        self._close(turn)

    # ---- answering

    async def run(self) -> None:
        """Answer turns until cancelled. A reply in the middle ends then with what was heard of it."""
        try:
            while True:
                while not self._waiting:
                    self._committed.clear()
                    await self._committed.wait()
                await self._answer_next(self._waiting.popleft())
        finally:
            self._hang_up()

    async def _answer_next(self, turn: Turn) -> None:
        self._answered = turn
        turn.state = TurnState.ANSWERING
        task = self._answering = self._spawn(self._answer(turn))
        await asyncio.wait({task})
        if self._answered is turn:
            self._answered = self._answering = None
        if over := self._announcements.pop(turn.turn_id, None):
            over.set()
        self.changed()

    def _hang_up(self) -> None:
        turn = self._answered
        if turn is None or turn.state is TurnState.OVER or turn.draft is None or turn.draft.reply is None:
            return
        if self._sounded(turn) or turn.draft.reply.answer.uses:
            self._playout.cut()
            self._end_exchange(turn, turn.draft, interrupted=True)
            self._stop_answering()

    async def _answer(self, turn: Turn) -> None:
        if turn.announced:
            await self._say(turn, self._drafting.announcement(turn))
            return
        draft = turn.draft
        assert draft is not None
        if not await self._has_words(turn, draft):
            return
        self._publish_heard(turn, draft)
        if draft.failure:
            self._report(Part.HEARING, draft.failure)
        if not self._drafting.understood(draft):
            self._close(turn)
            self._ask_to_repeat(turn, draft)
            return
        self._excuses.understood()
        if reason := self.why_not_answer(turn, draft):
            self._ignore(turn, draft, reason)
            return
        self._drafting.reply(turn, draft)
        await self._say(turn, draft)

    async def _has_words(self, turn: Turn, draft: Draft) -> bool:
        """Whether it is known what was said; a turn of which it is not known for long lets those behind it go first."""
        while not draft.ready.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WORDS_LATE_S):
                    await draft.ready.wait()
            if self._waiting and not draft.ready.is_set():
                self._answered = self._answering = None
                turn.state = TurnState.COMMITTED
                self._waiting.append(turn)
                return False
        return True

    def _ask_to_repeat(self, turn: Turn, draft: Draft) -> None:
        meant = draft.failure or (draft.unsure and draft.covers_bytes >= SHORTEST_UNSURE_BYTES)
        at_once = not turn.aside and draft.marks.speech_ended > self._reply_ended_s
        if meant and at_once and self.would_answer(turn, draft) and (excuse := self._excuses.for_hearing(self._drafting.language)):
            self.say_unasked(excuse)

    async def _say(self, turn: Turn, draft: Draft) -> None:
        await self._until_free(turn)
        reply = self._drafting.reply(turn, draft)
        self._drafting.spoken(draft)
        reply.start(self._playout)
        await reply.finished.wait()
        await self._excuse(turn, draft, reply)
        self._end_exchange(turn, draft, interrupted=False)
        self._spawn(self._drafting.summarise())

    def _ignore(self, turn: Turn, draft: Draft, reason: str) -> None:
        assert draft.transcript is not None
        speaker, said = turn.participant, draft.transcript.text
        if reason != BACKCHANNEL:
            self._history.add(PastExchange(speaker.name, said, "", speaker_id=speaker.id))
        self._publish(events.TurnIgnored, turn_id=turn.turn_id, speaker=speaker.name, speaker_id=speaker.id, text=said, reason=reason)
        self._close(turn)

    async def _until_free(self, turn: Turn) -> None:
        try:
            async with asyncio.timeout(self._longest_wait_s):
                while self.others_speaking(turn.participant):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def _excuse(self, turn: Turn, draft: Draft, reply: Reply) -> None:
        for part, error in reply.failures:
            self._report(part, error)
        failed = any(part is Part.THINKING for part, _error in reply.failures)
        if words := self._excuses.for_thinking(self._drafting.language, failed=failed, answered=bool(reply.text)):
            excuse = self._drafting.fixed_reply(turn, draft, words)
            excuse.start(self._playout)
            await excuse.finished.wait()

    def _end_exchange(self, turn: Turn, draft: Draft, *, interrupted: bool) -> None:
        if draft.marks.first_sound is not None:
            self._reply_ended_s = self._drafting.now_s
        if turn.announced:
            heard = draft.reply.heard if draft.reply else ""
            self._history.add(PastExchange("", "", heard, interrupted))
            self._publish(events.Announced, text=turn.announced, heard=heard)
            self._close(turn)
            return
        reply, marks = draft.reply, draft.marks
        said = draft.transcript.text if draft.transcript else ""
        heard = reply.heard if reply else ""
        uses = reply.answer.uses if reply else ()
        self._history.add(PastExchange(turn.participant.name, said, heard, interrupted, turn.participant.id, uses))
        spans = marks.spans_ms()
        if marks.first_sound is not None:
            self.latency.add(spans)
            self.replied(turn, heard)
        self._publish(
            events.ExchangeEnded,
            turn_id=turn.turn_id,
            revision=draft.revision.number,
            speaker=turn.participant.name,
            speaker_id=turn.participant.id,
            heard=said,
            reply=reply.text if reply else "",
            reply_heard=heard,
            interrupted=interrupted,
            spans_ms=spans,
            speech_ended_at_s=marks.speech_ended,
            first_sound_at_s=marks.first_sound,
        )
        self._close(turn)

    # ---- telling

    def _clause_began(self, clause: PlayingClause, at_s: float) -> None:
        turn = self._answered
        if turn and turn.draft and turn.turn_id == clause.reply_id:
            if turn.draft.marks.first_sound is None:
                turn.draft.marks.first_sound = at_s
                self._publish(events.ReplyBegan, turn_id=turn.turn_id, text=clause.text)
            self._publish(events.ClauseSpoken, turn_id=turn.turn_id, text=clause.text)
        self.changed()

    def _clause_done(self, clause: PlayingClause) -> None:
        turn = self._answered
        if turn and turn.draft and turn.draft.reply:
            turn.draft.reply.clause_done(clause)
        self.changed()

    def _publish_heard(self, turn: Turn, draft: Draft) -> None:
        heard = draft.transcript
        self._publish(
            events.TurnHeard,
            turn_id=turn.turn_id,
            revision=draft.revision.number,
            speaker=turn.participant.name,
            speaker_id=turn.participant.id,
            text=heard.text if heard else "",
            language=heard.language if heard else "",
            confidence=heard.confidence if heard else 0.0,
        )

    def _report(self, part: Part, error: EngineError) -> None:
        self._publish(events.EngineFailed, part=part.value, what=str(error))
