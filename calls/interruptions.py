"""Somebody speaks over the bot's voice: it ducks, is held, falls silent for good, or goes on where it was broken off.

:mod:`calls.turns.barge_in` decides by the sound of one participant; here it is carried out, and weighed against everybody else's turns
and against the words, once there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audio.playout import Playout
from calls.company import Company
from calls.floor import BACKCHANNEL, Floor
from calls.hearing import Hearing
from calls.lines import Participant
from calls.turn import Draft, Turn
from calls.turns.backchannels import is_backchannel
from calls.turns.barge_in import BargeInStep

LONGEST_HOLD_S = 3.0
"""A bot that somebody has talked over for this long gives up the floor, whatever is being said."""


class Interruptions:
    """One call's. ``hearings`` and ``turns`` are of everybody who is heard and of the turns that are open, by participant."""

    def __init__(
        self,
        playout: Playout,
        floor: Floor,
        company: Company,
        hearings: Mapping[int, Hearing],
        turns: Mapping[int, Turn],
        clock: Callable[[], float],
    ) -> None:
        self._playout = playout
        self._floor = floor
        self._company = company
        self._hearings = hearings
        self._turns = turns
        self._clock = clock
        self._held_since_s: float | None = None
        playout.held_back = self._held_back

    def take(self, hearing: Hearing, step: BargeInStep) -> None:
        """The bot's voice ducks, holds, stops or comes back because of a participant."""
        match step:
            case BargeInStep.DUCK:
                self._playout.duck()
            case BargeInStep.UNDUCK:
                self._playout.unduck()
            case BargeInStep.HOLD:
                self._playout.hold()
            case BargeInStep.CUT:
                if not self._company.several or self._floor.is_answering(hearing.participant):
                    self.interrupt(hearing.participant)

    def interrupt(self, by: Participant) -> None:
        """A reply that sounds is cut off; without one, nothing happens."""
        if self._floor.interrupt(by):
            self._start_over()

    def end_long_holds(self) -> None:
        """A held reply goes on when nobody speaks any more, and is given up when somebody does for long. To be asked often."""
        if not self._playout.held:
            self._held_since_s = None
            return
        self._held_since_s = self._held_since_s or self._clock()
        speaking = [hearing for hearing in self._hearings.values() if hearing.in_turn]
        if not speaking and not self._floor.deciding() and not self._anybody_sounds:
            self._go_on()
        elif speaking and self._clock() - self._held_since_s > LONGEST_HOLD_S:
            self.interrupt(speaking[0].participant)

    def was_nothing(self, turn: Turn, words: str = "") -> None:
        """Let the bot go on after a turn that was nothing, unless another turn is open or not understood yet: then that one decides."""
        in_turns = [hearing.participant.id for hearing in self._hearings.values() if hearing.in_turn]
        alone = all(self._turns.get(participant_id) is turn for participant_id in in_turns)
        if alone and not self._floor.deciding(besides=turn) and not self._anybody_sounds:
            self._go_on(turn.participant, words)

    def somebody_withdrew(self) -> None:
        """Somebody is not listened to any more: the bot goes on, unless what another says decides."""
        if not self._floor.deciding() and not any(hearing.in_turn for hearing in self._hearings.values()):
            self._go_on()

    def why_not_meant(self, turn: Turn, draft: Draft, words: str) -> str:
        """Why words spoken over the reply to another turn are not meant to stop it; empty: they are, or there is no such reply."""
        if not self._floor.speaks_to_another_turn(turn):
            return ""
        hearing = self._hearings.get(turn.participant.id)
        if hearing and is_backchannel(words, hearing.spoken_s, self._company.language_of(draft)):
            return BACKCHANNEL
        addressed = self._company.means_bot(turn, draft.transcript) or self._floor.is_answering(turn.participant)
        return "" if addressed else "said to somebody else"

    @property
    def _anybody_sounds(self) -> bool:
        return any(hearing.voiced for hearing in self._hearings.values())

    def _held_back(self) -> bool:
        return any(hearing.holds_back() for hearing in self._hearings.values())

    def _start_over(self) -> None:
        for hearing in self._hearings.values():
            hearing.start_over()

    def _go_on(self, by: Participant | None = None, words: str = "") -> None:
        self._start_over()
        self._floor.come_back(by, words)
