"""The sound that is about to be heard: clauses in order, a gain, and a count of the samples that have left.

The line pulls one frame every 10 ms. Nothing is ever handed over ahead of the ear, so a cut is emptying a deque, and "what was heard" is a counter.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples

DUCKED_GAIN = 0.25
"""About -12 dB: plainly quieter, still intelligible."""
RAMP_S = 0.03
"""A change of gain is spread over this long so that it does not click."""
FADE_SAMPLES = PLAYOUT_RATE_HZ * 5 // 1000
"""What is cut ends in a fade of 5 ms so that it does not click."""

Clock = Callable[[], float]


@dataclass(slots=True)
class PlayingClause:
    """One clause of a reply on its way to the ear. Sound is appended while it is made; counts are in samples at 24 kHz."""

    text: str
    reply_id: int
    complete: bool = False
    played: int = 0
    appended: int = 0
    began_at_s: float | None = None
    _chunks: deque[memoryview] = field(default_factory=deque)

    def append(self, pcm: bytes) -> None:
        """Add sound to the end of the clause (24 kHz mono)."""
        self._chunks.append(memoryview(pcm))
        self.appended += len(pcm) // BYTES_PER_SAMPLE

    def finish(self) -> None:
        """No more sound will come for this clause."""
        self.complete = True

    @property
    def waiting(self) -> int:
        """Samples not played yet."""
        return self.appended - self.played

    @property
    def done(self) -> bool:
        """All of its sound has been played."""
        return self.complete and self.waiting == 0

    @property
    def fraction_heard(self) -> float:
        """How much of the clause has been heard, 0 to 1; of a clause still being made the length is not known, so this is of what there is."""
        if self.done:
            return 1.0
        return self.played / self.appended if self.appended else 0.0

    def take(self, samples: int) -> Iterable[memoryview]:
        """Remove and return up to ``samples`` samples from the front."""
        taken: list[memoryview] = []
        wanted = samples * BYTES_PER_SAMPLE
        while wanted and self._chunks:
            chunk = self._chunks.popleft()
            if len(chunk) > wanted:
                self._chunks.appendleft(chunk[wanted:])
                chunk = chunk[:wanted]
            wanted -= len(chunk)
            taken.append(chunk)
        self.played += sum(len(chunk) for chunk in taken) // BYTES_PER_SAMPLE
        return taken

    def drop(self) -> None:
        """Forget the sound that was not played."""
        self._chunks.clear()


class Playout:
    """A bounded queue of clauses that a line pulls 10 ms frames from; silence when there is nothing to say.

    ``clock`` gives the time in seconds used in ``began_at_s`` and the callbacks (the event loop's clock in a call).
    """

    SILENCE = bytes(PLAYOUT_FRAME_BYTES)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clauses: deque[PlayingClause] = deque()
        self._gain = 1.0
        self._target_gain = 1.0
        self._fade: bytes = b""
        self.underruns = 0
        self.on_clause_began: Callable[[PlayingClause, float], None] | None = None
        self.on_clause_done: Callable[[PlayingClause], None] | None = None

    # ---- what the line does

    def read(self) -> bytes:
        """The next 10 ms (480 bytes): called by the line on its pace, costs a few microseconds."""
        if self._fade:
            frame, self._fade = self._fade, b""
            return frame
        if not self._clauses:
            self._gain = self._target_gain
            return self.SILENCE
        frame = self._gather()
        if self._gain != 1.0 or self._target_gain != 1.0:
            frame = self._with_gain(frame)
        return frame

    def _gather(self) -> bytes:
        wanted = PLAYOUT_FRAME_BYTES // BYTES_PER_SAMPLE
        pieces: list[memoryview] = []
        while wanted and self._clauses:
            clause = self._clauses[0]
            taken = list(clause.take(wanted))
            if taken and clause.began_at_s is None:
                self._began(clause)
            pieces += taken
            wanted -= sum(len(piece) for piece in taken) // BYTES_PER_SAMPLE
            if clause.done:
                self._clauses.popleft()
                if self.on_clause_done:
                    self.on_clause_done(clause)
            elif wanted:
                self.underruns += clause.began_at_s is not None
                break
        frame = b"".join(pieces)
        return frame if not wanted else frame + self.SILENCE[: wanted * BYTES_PER_SAMPLE]

    def _began(self, clause: PlayingClause) -> None:
        clause.began_at_s = self._clock()
        if self.on_clause_began:
            self.on_clause_began(clause, clause.began_at_s)

    def _with_gain(self, frame: bytes) -> bytes:
        samples = as_samples(frame)
        step = len(samples) / (RAMP_S * PLAYOUT_RATE_HZ)
        end = self._gain + math.copysign(min(step, abs(self._target_gain - self._gain)), self._target_gain - self._gain)
        ramp = np.linspace(self._gain, end, len(samples), dtype=np.float32)
        self._gain = end
        return bytes((samples * ramp).astype("<i2").tobytes())

    # ---- what the conversation does

    def say(self, clause: PlayingClause) -> None:
        """Put a clause at the end of the queue; its sound may still be growing."""
        self._clauses.append(clause)

    def duck(self) -> None:
        """Go on more quietly."""
        self._target_gain = DUCKED_GAIN

    def unduck(self) -> None:
        """Back to full volume."""
        self._target_gain = 1.0

    def cut(self) -> list[PlayingClause]:
        """Fall silent within this frame; returns the clauses that were not played to their end, first one first."""
        cut = list(self._clauses)
        self._clauses.clear()
        if cut and cut[0].began_at_s is not None and cut[0].waiting:
            self._fade = self._faded(cut[0])
        for clause in cut:
            clause.drop()
        self._target_gain = 1.0
        return cut

    def _faded(self, clause: PlayingClause) -> bytes:
        samples = np.frombuffer(b"".join(clause.take(FADE_SAMPLES)), dtype="<i2")
        faded = (samples * np.linspace(self._gain, 0.0, len(samples), dtype=np.float32)).astype("<i2").tobytes()
        return (faded + self.SILENCE)[:PLAYOUT_FRAME_BYTES]

    @property
    def speaking(self) -> bool:
        """There is a clause whose sound has begun or is ready to begin."""
        return any(clause.waiting or clause.began_at_s is not None for clause in self._clauses)

    @property
    def ducked(self) -> bool:
        """It speaks more quietly just now."""
        return self._target_gain < 1.0

    @property
    def buffered_s(self) -> float:
        """Sound waiting to be played, in seconds."""
        return sum(clause.waiting for clause in self._clauses) / PLAYOUT_RATE_HZ
