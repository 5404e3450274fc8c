"""Deciding when a turn begins, pauses, resumes and has ended: pure, fed with audio time and speech probability.

probability  ▁▁▂▇▇▇▇▇▇▂▁▁▁▂▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁▁
edges           ^BEGAN   ^PAUSED  ^PAUSED  ^ENDED
                         |  ^RESUMED
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

ROUNDING_S = 1e-6
"""Sums of hops are floats."""


class Edge(Enum):
    """A change in one participant's speech."""

    BEGAN = auto()
    PAUSED = auto()
    """Silent for a while; comes again when something too short to resume the turn, perhaps a soft last word, was heard in the pause."""
    RESUMED = auto()
    ENDED = auto()
    DROPPED = auto()
    """It was too short to be speech: as if it had never begun."""


@dataclass(frozen=True, slots=True)
class PauseRules:
    """How long is long enough, in seconds of audio."""

    threshold: float = 0.5
    """Speech probability from which a hop counts as speech."""
    release: float = 0.15
    """Speech ends only below ``threshold - release`` (hysteresis as in Silero's own iterator)."""
    begin_s: float = 0.06
    """Speech for this long begins or resumes a turn."""
    pause_s: float = 0.09
    """Silence for this long is a pause, in which work on the reply may begin: three hops of 32 ms. With less, soft last consonants
    would be cut off."""
    end_s: float = 0.7
    """Silence for this long ends the turn (K8: balanced), unless something better is known of this pause."""
    shortest_speech_s: float = 0.3
    """Less speech than this in a turn is dropped (A71)."""
    longest_turn_s: float = 30.0
    """A turn this long ends even without a pause."""


class _State(Enum):
    SILENT = auto()
    SPEAKING = auto()
    PAUSED = auto()


@dataclass(slots=True)
class Endpointing:
    """Follows one participant. ``hear`` takes each hop in order and returns what changed with it."""

    rules: PauseRules = field(default_factory=PauseRules)
    end_s: float = field(init=False)
    """The silence that ends the turn, as far as it is known now; ``rules.end_s`` to begin with."""
    now_s: float = 0.0
    speech_ended_s: float = 0.0
    """End of the last hop that counted as speech, in audio time."""
    last_pause_s: float = 0.0
    """The silence before the newest stretch of speech, in audio time."""
    _state: _State = _State.SILENT
    _speech_began_s: float = 0.0
    _run_s: float = 0.0
    _voiced: bool = False
    _since_murmur_s: float | None = None
    _tolerance_s: float = 0.0

    def __post_init__(self) -> None:
        self.end_s = self.rules.end_s

    @property
    def speaking(self) -> bool:
        """The participant speaks just now (not in a pause)."""
        return self._state is _State.SPEAKING

    @property
    def voiced(self) -> bool:
        """The newest hop was speech, of a turn or not yet."""
        return self._voiced

    @property
    def in_turn(self) -> bool:
        """A turn is open."""
        return self._state is not _State.SILENT

    @property
    def silence_s(self) -> float:
        """Audio time since the last speech."""
        return self.now_s - self.speech_ended_s

    @property
    def spoken_s(self) -> float:
        """From the beginning of the turn to its last speech, in audio time."""
        return self.speech_ended_s - self._speech_began_s

    def hear(self, seconds: float, probability: float, quiet_s: float = 0.0) -> list[Edge]:
        """Take one hop of ``seconds`` with its speech ``probability``. Silences are measured to the nearest hop.

        ``quiet_s`` tells for how long there has been hardly any sound: where that is as long as a pause, the first hop without speech
        is taken for one.
        """
        self.now_s += seconds
        self._tolerance_s = seconds / 2
        self._follow(seconds, probability)
        if self._state is _State.SILENT:
            return self._began()
        if self._state is _State.SPEAKING:
            paused = self._paused(quiet_s)
            return [*paused, *self._ended()] if paused else self._overlong()
        return self._resumed() or self._ended() or self._paused_again(seconds)

    def _follow(self, seconds: float, probability: float) -> None:
        bar = self.rules.threshold - (self.rules.release if self._voiced else 0.0)
        self._voiced = probability >= bar
        self._run_s = self._run_s + seconds if self._voiced else 0.0
        if self._state is not _State.SPEAKING:
            if self._run_s < self.rules.begin_s - ROUNDING_S:
                return
            self.last_pause_s = max(0.0, self.now_s - self._run_s - self.speech_ended_s)
        if self._voiced:
            self.speech_ended_s = self.now_s

    def _began(self) -> list[Edge]:
        if self._run_s < self.rules.begin_s - ROUNDING_S:
            return []
        self._state = _State.SPEAKING
        self._speech_began_s = self.now_s - self._run_s
        return [Edge.BEGAN]

    def _paused(self, quiet_s: float) -> list[Edge]:
        quiet = quiet_s >= self.rules.pause_s - ROUNDING_S and not self._voiced
        if self.silence_s < self.rules.pause_s - self._tolerance_s and not quiet:
            return []
        self._state = _State.PAUSED
        self._since_murmur_s = None
        return [Edge.PAUSED]

    def _paused_again(self, seconds: float) -> list[Edge]:
        if self._voiced:
            self._since_murmur_s = 0.0
        elif self._since_murmur_s is not None:
            self._since_murmur_s += seconds
            if self._since_murmur_s >= self.rules.pause_s - self._tolerance_s:
                self._since_murmur_s = None
                return [Edge.PAUSED]
        return []

    def _resumed(self) -> list[Edge]:
        if self._run_s < self.rules.begin_s - ROUNDING_S:
            return []
        self._state = _State.SPEAKING
        return [Edge.RESUMED]

    def _ended(self) -> list[Edge]:
        short = self.spoken_s < self.rules.shortest_speech_s
        end_s = max(self.end_s, self.rules.end_s) if short else self.end_s
        if self.silence_s < end_s - self._tolerance_s:
            return []
        self._state = _State.SILENT
        return [Edge.DROPPED if short else Edge.ENDED]

    def _overlong(self) -> list[Edge]:
        if self.now_s - self._speech_began_s < self.rules.longest_turn_s:
            return []
        self._state = _State.SILENT
        self._run_s = 0.0
        return [Edge.PAUSED, Edge.ENDED]
