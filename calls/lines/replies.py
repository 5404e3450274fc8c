"""How a reply reaches the far end of a WebSocket: as whole WAV files, or as raw PCM on the clock.

Both are pulled every 10 ms and keep to the clock, so that what counts as heard is what has had the time to sound.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final, Protocol

import numpy as np

from audio.pcm import FRAME_MS, PLAYOUT_RATE_HZ, as_samples
from audio.playout import FRAME_SAMPLES, PlayingClause, Playout
from audio.resample import Resampler
from audio.wav import wav_bytes
from calls.lines.socket_sender import MOST_SOUNDS

LONGEST_WAV_S: Final = 4.0
"""A file cannot be taken back once it plays: longer clauses are given in parts, which end where the voice is quietest."""
SHORTEST_WAV_S: Final = 1.5
PAUSE_S: Final = 0.02
MESSAGE_FRAMES: Final = 2
"""Raw PCM goes out in messages of 20 ms."""
MOST_UNSENT_FRAMES: Final = MESSAGE_FRAMES * (MOST_SOUNDS + 1)
CLEAR: Final = '{"type":"clear"}'


class SoundOut(Protocol):
    """Where the sound goes."""

    @property
    def has_room(self) -> bool:
        """More sound may be sent."""

    def sound(self, data: bytes) -> None:
        """A message of sound."""

    def text(self, message: str) -> bool:
        """A message of text."""

    def forget_sound(self) -> int:
        """Drop the sound that has not been sent; how many messages that were."""


class Replies(Protocol):
    """One way of sending replies."""

    def pull(self) -> None:
        """10 ms have passed."""

    @property
    def idle(self) -> bool:
        """Nothing is being played, so that :meth:`pull` need not be called before something is said."""

    def take_back(self) -> int:
        """The voice was cut; how many samples (24 kHz) of it were sent and will not be heard."""


class WholeWavs:
    """Each clause as a WAV file of its own, sent when the one before has had the time to sound.

    ``clears``: the far end stops playing when it is told to. One that does not plays a file to its end; what is said afterwards waits for
    that, and counts as heard only up to where the voice was cut.
    """

    def __init__(self, playout: Playout, out: SoundOut, *, clears: bool = False) -> None:
        self._playout = playout
        self._out = out
        self._clears = clears
        self._clause: PlayingClause | None = None
        self._sounded = 0
        self._end = 0

    def pull(self) -> None:
        """See :meth:`Replies.pull`."""
        if self._clause is None:
            clause = self._playout.coming()
            if clause is None or not self._out.has_room:
                return
            if clause.done:
                self._playout.pass_over(0)
            elif length := _next_part(clause):
                self._begin(clause, length)
            return
        self._sounded = min(self._end, self._sounded + FRAME_SAMPLES)
        self._follow(self._clause)
        if self._sounded == self._end:
            self._clause = None

    @property
    def idle(self) -> bool:
        """See :attr:`Replies.idle`."""
        return self._clause is None and self._playout.empty

    def _begin(self, clause: PlayingClause, length: int) -> None:
        self._out.sound(wav_bytes(clause.peek(length), PLAYOUT_RATE_HZ))
        self._clause, self._end = clause, clause.played + length
        self._sounded = min(self._end, clause.played + FRAME_SAMPLES)
        self._follow(clause)

    def _follow(self, clause: PlayingClause) -> None:
        """What has sounded counts as played, also what sounded while the voice was held, which this far end cannot hear."""
        if self._playout.coming() is clause and clause.played < self._sounded:
            self._playout.pass_over(self._sounded - clause.played)

    def take_back(self) -> int:
        """See :meth:`Replies.take_back`; what was sent and has not sounded does not count as played anyway."""
        self._out.forget_sound()
        if self._clears and self._clause is not None:
            self._out.text(CLEAR)
            self._clause = None
        return 0


def _next_part(clause: PlayingClause) -> int:
    """How many samples of a clause to send at once; 0: wait for more of it."""
    most = int(LONGEST_WAV_S * PLAYOUT_RATE_HZ)
    if clause.waiting > most:
        return quietest_end(clause.peek(most))
    return clause.waiting if clause.complete else 0


def quietest_end(pcm: bytes) -> int:
    """Where to part speech (24 kHz), in samples: the middle of its quietest 20 ms, not before :data:`SHORTEST_WAV_S`."""
    step = int(PAUSE_S * PLAYOUT_RATE_HZ)
    first = int(SHORTEST_WAV_S * PLAYOUT_RATE_HZ)
    samples = as_samples(pcm)[first:].astype(np.float32)
    windows = samples[: len(samples) - len(samples) % step].reshape(-1, step)
    return first + int(np.argmin((windows * windows).sum(axis=1))) * step + step // 2


class PacedPcm:
    """Raw PCM at ``rate_hz``, 20 ms a message, while something is said; silence is not sent.

    The far end keeps ``buffer_ms`` of it before it sounds, and drops that when it is sent ``clear``.
    """

    def __init__(self, playout: Playout, out: SoundOut, *, rate_hz: int, buffer_ms: int) -> None:
        self._playout = playout
        self._out = out
        self._resampler = Resampler(PLAYOUT_RATE_HZ, rate_hz)
        self._message = bytearray()
        self._frames = 0
        self._buffer_frames = buffer_ms // FRAME_MS
        self._recent: deque[bool] = deque(maxlen=self._buffer_frames + MOST_UNSENT_FRAMES)
        """Of the newest frames, which may not have sounded yet, whether they were speech."""

    def pull(self) -> None:
        """See :meth:`Replies.pull`."""
        if not self._out.has_room:
            return
        frame = self._playout.read()
        silent = frame is Playout.SILENCE
        self._recent.append(not silent)
        if not silent:
            self._message += frame
            self._frames += 1
        if self._frames == MESSAGE_FRAMES or (silent and self._frames):
            self._send()

    @property
    def idle(self) -> bool:
        """See :attr:`Replies.idle`; what may still have to be taken back has to grow old first."""
        return self._playout.empty and not self._frames and not any(self._recent)

    def _send(self) -> None:
        self._out.sound(self._resampler.feed(bytes(self._message)))
        self._message.clear()
        self._frames = 0

    def take_back(self) -> int:
        """See :meth:`Replies.take_back`."""
        waiting = self._frames + self._out.forget_sound() * MESSAGE_FRAMES + self._buffer_frames
        unheard = sum(islice(reversed(self._recent), waiting))
        self._recent.clear()
        self._message.clear()
        self._frames = 0
        if unheard:
            self._out.text(CLEAR)
        return unheard * FRAME_SAMPLES
