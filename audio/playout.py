"""The sound that is about to be heard: clauses in order, a gain, and a count of the samples that have left.

The line pulls one frame every 10 ms. Nothing is ever handed over ahead of the ear, so falling silent takes one frame, and
"what was heard" is a counter.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples
from audio.word_times import SLOW_SAMPLES_PER_CHARACTER, SPOKEN_SAMPLES_PER_CHARACTER, estimated_word_times, words_heard

DUCKED_GAIN = 0.25
"""About -12 dB: plainly quieter, still intelligible."""
RAMP_S = 0.03
"""A change of gain is spread over this long so that it does not click."""
FADE_SAMPLES = PLAYOUT_RATE_HZ * 5 // 1000
"""Sound that stops ends in a fade of 5 ms so that it does not click."""
FRAME_SAMPLES = PLAYOUT_FRAME_BYTES // BYTES_PER_SAMPLE

Clock = Callable[[], float]


def nothing_on_its_way() -> int:
    """What was handed to the line has been heard."""
    return 0


def never() -> bool:
    """Nobody speaks."""
    return False


def nobody_waits() -> None:
    """The line looks for itself whether there is something to play."""


class PlayingClause:
    """One clause of a reply on its way to the ear. Sound is appended while it is made; counts are in samples at 24 kHz."""

    __slots__ = ("_broken", "_pcm", "began_at_s", "complete", "furthest", "played", "reply_id", "text")

    def __init__(self, text: str, reply_id: int) -> None:
        self.text = text
        self.reply_id = reply_id
        self.complete = False
        self.played = 0
        self.furthest = 0
        self.began_at_s: float | None = None
        self._broken = False
        self._pcm = bytearray()

    def append(self, pcm: bytes) -> None:
        """Add sound to the end of the clause (24 kHz mono)."""
        self._pcm += pcm

    def finish(self, *, broken: bool = False) -> None:
        """No more sound will come for this clause; ``broken``: although not all of it was made."""
        self.complete = True
        self._broken = broken

    @property
    def made(self) -> int:
        """Samples there are so far."""
        return len(self._pcm) // BYTES_PER_SAMPLE

    @property
    def waiting(self) -> int:
        """Samples not played yet."""
        return self.made - self.played

    @property
    def done(self) -> bool:
        """All of its sound has been played."""
        return self.complete and self.waiting == 0

    @property
    def _whole(self) -> bool:
        return self.complete and not self._broken

    @property
    def heard(self) -> str:
        """The words that have been played to their end. Of a clause whose length is not known, rather too few than too many."""
        if self._whole:
            return self.text if self.done else words_heard(self.text, self.made, self.furthest)
        return words_heard(self.text, max(self.made, len(self.text) * SLOW_SAMPLES_PER_CHARACTER), self.furthest)

    def take(self, samples: int) -> bytes:
        """The next up to ``samples`` samples, which count as played from now on."""
        start = self.played * BYTES_PER_SAMPLE
        pcm = bytes(self._pcm[start : start + samples * BYTES_PER_SAMPLE])
        self.played += len(pcm) // BYTES_PER_SAMPLE
        self.furthest = max(self.furthest, self.played)
        return pcm

    def peek(self, samples: int) -> bytes:
        """Like :meth:`take`, without playing."""
        start = self.played * BYTES_PER_SAMPLE
        return bytes(self._pcm[start : start + samples * BYTES_PER_SAMPLE])

    def take_back(self, samples: int) -> None:
        """The last ``samples`` samples taken will not be heard after all."""
        self.played = max(0, self.played - samples)
        self.furthest = min(self.furthest, self.played)

    def rewind_to_word(self) -> None:
        """Step back to the beginning of the word that is being played."""
        length = self.made if self._whole else max(self.made, len(self.text) * SPOKEN_SAMPLES_PER_CHARACTER)
        starts = [word.start for word in estimated_word_times(self.text, length) if word.start <= self.played]
        self.played = starts[-1] if starts else 0


class Playout:
    """A queue of clauses that a line pulls 10 ms frames from; silence when there is nothing to say.

    ``clock`` gives the time in seconds used in ``began_at_s`` and the callbacks (the event loop's clock in a call).
    """

    SILENCE = bytes(PLAYOUT_FRAME_BYTES)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clauses: deque[PlayingClause] = deque()
        self._gain = 1.0
        self._target_gain = 1.0
        self._fade = b""
        self._held = False
        self._sounding_reply: int | None = None
        self.underruns = 0
        self.held_back: Callable[[], bool] = never
        """Asked before a reply that has been heard goes on with its next clause: whether somebody speaks, so that it is held."""
        self.on_clause_began: Callable[[PlayingClause, float], None] | None = None
        self.on_clause_done: Callable[[PlayingClause], None] | None = None
        self.take_back: Callable[[], int] = nothing_on_its_way
        """Set by a line that hands sound on ahead of the ear: has the far end forget what it has not played yet, and returns how many
        samples (24 kHz) of it were speech."""
        self.on_said: Callable[[], None] = nobody_waits
        """Set by a line that does not pull while the playout is :attr:`empty`: called when it no longer is."""

    # ---- what the line does

    def read(self) -> bytes:
        """The next 10 ms (480 bytes): called by the line on its pace, costs a few microseconds."""
        if self._fade:
            frame, self._fade = self._fade, b""
            return frame
        if self._held or not self._clauses:
            self._gain = self._target_gain
            return self.SILENCE
        frame = self._gather()
        if self._gain != 1.0 or self._target_gain != 1.0:
            frame = self._with_gain(frame)
        return frame

    def _gather(self) -> bytes:
        frame = b""
        while len(frame) < PLAYOUT_FRAME_BYTES and (clause := self.coming()):
            taken = clause.take(FRAME_SAMPLES - len(frame) // BYTES_PER_SAMPLE)
            if taken and clause.began_at_s is None:
                self._began(clause)
            frame += taken
            if clause.done:
                self._clauses.popleft()
                if self.on_clause_done:
                    self.on_clause_done(clause)
            elif len(frame) < PLAYOUT_FRAME_BYTES:
                self.underruns += clause.began_at_s is not None
                break
        return frame + self.SILENCE[len(frame) :]

    def coming(self) -> PlayingClause | None:
        """The clause that sounds now, or will with the next frame; ``None`` while nothing is to be heard.

        A clause with which a reply would go on over somebody who speaks is held.
        """
        if self._clauses and not self._held and self._is_held_back(self._clauses[0]):
            self.hold()
        return None if self._held or not self._clauses else self._clauses[0]

    def _is_held_back(self, clause: PlayingClause) -> bool:
        goes_on = clause.began_at_s is None and clause.waiting > 0 and clause.reply_id == self._sounding_reply
        return goes_on and self.held_back()

    def _began(self, clause: PlayingClause) -> None:
        clause.began_at_s = self._clock()
        self._sounding_reply = clause.reply_id
        if self.on_clause_began:
            self.on_clause_began(clause, clause.began_at_s)

    def _with_gain(self, frame: bytes) -> bytes:
        samples = as_samples(frame)
        difference = self._target_gain - self._gain
        step = len(samples) / (RAMP_S * PLAYOUT_RATE_HZ)
        end = self._gain + math.copysign(min(step, abs(difference)), difference)
        ramp = np.linspace(self._gain, end, len(samples), dtype=np.float32)
        self._gain = end
        return bytes((samples * ramp).astype("<i2").tobytes())

    # ---- what a line does whose far end is given whole clauses

    def pass_over(self, samples: int) -> None:
        """In place of :meth:`read`: so many samples of the coming clause, and at most all of it, have sounded at the far end."""
        clause = self._clauses[0]
        if clause.take(samples) and clause.began_at_s is None:
            self._began(clause)
        if clause.done:
            self._clauses.popleft()
            if self.on_clause_done:
                self.on_clause_done(clause)

    # ---- what the conversation does

    def say(self, clause: PlayingClause) -> None:
        """Put a clause at the end of the queue; its sound may still be growing."""
        self._clauses.append(clause)
        self.on_said()

    def duck(self) -> None:
        """Go on more quietly."""
        self._target_gain = DUCKED_GAIN

    def unduck(self) -> None:
        """Back to full volume."""
        self._target_gain = 1.0

    def hold(self) -> None:
        """Fall silent within one frame, keeping what is left to say."""
        if self._held:
            return
        self._held = True
        if self._clauses and self._clauses[0].began_at_s is not None:
            self._fall_silent(self._clauses[0])

    def _fall_silent(self, clause: PlayingClause) -> None:
        self._fade = self._faded(clause)
        if (unheard := self.take_back()) > 0:
            clause.take_back(unheard)
            self._fade = b""

    def release(self) -> None:
        """Go on after a :meth:`hold`, from the beginning of the word that was broken off, at full volume."""
        if self._held and self._clauses and self._clauses[0].began_at_s is not None:
            self._clauses[0].rewind_to_word()
        self._held = False
        self._target_gain = self._gain = 1.0

    def cut(self) -> None:
        """Fall silent within one frame and forget what is left to say."""
        self.hold()
        self._clauses.clear()
        self._held = False
        self._target_gain = 1.0

    def _faded(self, clause: PlayingClause) -> bytes:
        samples = as_samples(clause.peek(FADE_SAMPLES))
        faded = (samples * np.linspace(self._gain, 0.0, len(samples), dtype=np.float32)).astype("<i2").tobytes()
        return (faded + self.SILENCE)[:PLAYOUT_FRAME_BYTES]

    @property
    def empty(self) -> bool:
        """Nothing is left to say."""
        return not self._clauses

    @property
    def held(self) -> bool:
        """It is silent in the middle of something (:meth:`hold`)."""
        return self._held

    @property
    def audible(self) -> bool:
        """Sound leaves, or would leave with the next frame."""
        return bool(self._clauses) and not self._held and (self._clauses[0].waiting > 0 or self._clauses[0].began_at_s is not None)

    @property
    def buffered_s(self) -> float:
        """Sound waiting to be played, in seconds."""
        return sum(clause.waiting for clause in self._clauses) / PLAYOUT_RATE_HZ
