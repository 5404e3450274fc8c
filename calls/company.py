"""Who is in the call besides the bot, and whether what one of them says is meant for it."""

from __future__ import annotations

from collections.abc import Callable

from audio.stt import Transcript
from calls.lines import Participant
from calls.manners import Manners
from calls.turn import Draft, Turn
from calls.turns.addressing import Addressing, Heard


class Company:
    """One call's. ``clock`` is the event loop's; ``chance`` is from 0 up to 1, drawn for each committed turn."""

    def __init__(self, manners: Manners, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._people: dict[int, Participant] = {}
        self._addressing = Addressing(manners.addressing)
        self._language = manners.language
        self._clock = clock
        self._chance = chance

    def change_manners(self, manners: Manners) -> None:
        """From the next turn on; what was said so far still counts."""
        self._addressing.rules = manners.addressing
        self._language = manners.language

    def joined(self, participant: Participant) -> None:
        """Somebody is in the call, whether or not they ever speak."""
        self._people[participant.id] = participant

    def sounded(self, participant: Participant) -> None:
        """Somebody is heard for the first time: they are in the call, even if nobody has said so."""
        self._people.setdefault(participant.id, participant)

    def left(self, participant: Participant) -> None:
        """Somebody has gone."""
        self._people.pop(participant.id, None)

    @property
    def several(self) -> bool:
        """There is more than one person for the bot to talk to."""
        return len(self._people) > 1

    def names(self) -> list[str]:
        """Everybody's."""
        return [person.name for person in self._people.values()]

    @property
    def language(self) -> str:
        """What is spoken, as long as no words were heard."""
        return self._language or "en"

    def language_of(self, draft: Draft) -> str:
        """What was spoken, as far as that is known."""
        return draft.transcript.language if draft.transcript else self.language

    def means_bot(self, turn: Turn, words: Transcript | None) -> bool:
        """Whether the turn is likely to be answered, if these were all its words. Changes nothing."""
        return self._addressing.foresee(self._heard(turn, words), self._clock())

    def why_not_answer(self, turn: Turn, draft: Draft) -> str:
        """Asked once for each committed turn; empty: it is answered."""
        if turn.aside:
            return turn.aside
        verdict = self._addressing.decide(self._heard(turn, draft.transcript), self._clock(), self._chance())
        return "" if verdict.answers else verdict.name.lower().replace("_", " ")

    def replied(self, turn: Turn, heard: str) -> None:
        """The reply to the turn has been heard, as far as it was."""
        self._addressing.replied(turn.participant.id, self._clock(), heard)

    def _heard(self, turn: Turn, words: Transcript | None) -> Heard:
        others = [person.name for person in self._people.values() if person.id != turn.participant.id]
        text, language = (words.text, words.language) if words else ("", self.language)
        return Heard(text, turn.participant.id, len(others) + 1, language, tuple(others))
