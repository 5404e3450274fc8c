"""Words that somebody types into a call: a turn like a spoken one, with nothing left to hear."""

from __future__ import annotations

from typing import Final

from audio.stt import Transcript
from calls.latency import Marks
from calls.lines import Participant
from calls.turn import Draft, Turn
from calls.turns.revisions import Revisions

MOST_CHARACTERS: Final = 2_000


def readable(text: str) -> str:
    """What was typed, on one line and without what cannot be read; the rest of a very long text is left out."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:MOST_CHARACTERS]


def typed_turn(participant: Participant, text: str, language: str, revisions: Revisions, now_s: float) -> Turn:
    """A turn that has ended, and whose words are known."""
    turn = Turn(participant, revisions.begin(), typed=True)
    turn.draft = Draft(turn.revision, Marks(now_s, committed=now_s, heard=now_s), transcript=Transcript(text, language=language))
    turn.draft.ready.set()
    return turn
