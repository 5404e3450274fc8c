"""Answers begun early: the brain reads, and replies to, words before it is certain that they were said, or that they were all."""

from __future__ import annotations

from audio.stt import Transcript
from calls.company import Company
from calls.drafting import GLIMPSE_MISSES_BYTES, Drafting, Spawn
from calls.floor import Floor
from calls.hearing import Hearing
from calls.reporter import Reporter
from calls.turn import Draft, Turn
from calls.turns.text_cues import finished_by_words


class Foresight:
    """One call's. Only what is likely to be answered next is worked on."""

    def __init__(self, drafting: Drafting, floor: Floor, company: Company, reporter: Reporter, spawn: Spawn) -> None:
        self._drafting = drafting
        self._floor = floor
        self._company = company
        self._reporter = reporter
        self._spawn = spawn

    def prepare(self, turn: Turn, draft: Draft) -> None:
        """The words up to a pause are known: the reply to them begins, whether or not the turn is over."""
        if self._likely_next(turn, draft.transcript):
            self._drafting.reply(turn, draft)

    def expect(self, turn: Turn, hearing: Hearing) -> None:
        """Who has fallen silent has probably said what was glimpsed of it: the reply to that begins before it is known for certain.

        In a pause it would soon begin anyway; before one, only to words that sound finished. A brain on this machine would hold up the
        words themselves, and begins before they are known only where little speaks against them.
        """
        draft, glimpse = turn.draft, turn.glimpse
        if glimpse is None:
            return
        words = glimpse.transcript
        if draft is None or not draft.ready.is_set():
            self._reporter.words_so_far(turn, words.text)
        if draft is None:
            self._read_ahead(turn, words)
            return
        in_pause = hearing.paused and not self._drafting.brain_is_here
        if draft.ready.is_set() or not (in_pause or hearing.has_fallen_silent):
            return
        if len(turn.carried) + hearing.sounding_bytes - glimpse.covers_bytes > GLIMPSE_MISSES_BYTES:
            return
        worth_it = in_pause or finished_by_words(words.text, words.language) >= 0
        if worth_it and self._likely_next(turn, words):
            self._drafting.expect(turn, draft, words.text)

    def _read_ahead(self, turn: Turn, words: Transcript) -> None:
        """Whoever still speaks to the bot has most of it said: the brain may read that already."""
        if self._likely_next(turn, words):
            self._spawn(self._drafting.read_ahead(turn, words.text))

    def _likely_next(self, turn: Turn, words: Transcript | None) -> bool:
        return not self._floor.taken_by_another(turn) and self._company.means_bot(turn, words)
