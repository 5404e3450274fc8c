"""Deciding what somebody's speech does to the bot's: pure, fed with audio time and speech probability.

Three steps: go on more quietly as soon as it might be speech, fall silent when it goes on, come back when it was nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

ROUNDING_S = 1e-6
"""Sums of hops are floats."""


class BargeInStep(Enum):
    """What the bot's voice should do now."""

    DUCK = auto()
    HOLD = auto()
    """Silent, but ready to go on."""
    CUT = auto()
    """Silent for good: this is somebody who wants the floor."""
    UNDUCK = auto()


@dataclass(frozen=True, slots=True)
class BargeInRules:
    """How much speech over the bot's does what, in seconds of audio."""

    threshold: float = 0.5
    duck_s: float = 0.06
    """Speech for this long: more quietly."""
    hold_s: float = 0.12
    """Speech for this long: silent."""
    cut_s: float = 0.8
    """Speech for this long wants the floor, whatever it says."""
    forget_s: float = 0.2
    """Silence for this long before ``hold_s`` was reached: it was a cough."""


class _State(Enum):
    QUIET = auto()
    DUCKING = auto()
    HOLDING = auto()
    CUT = auto()


@dataclass(slots=True)
class BargeIn:
    """Follows one participant while the bot speaks."""

    rules: BargeInRules = field(default_factory=BargeInRules)
    _state: _State = _State.QUIET
    _speech_s: float = 0.0
    _silence_s: float = 0.0

    def hear(self, seconds: float, probability: float, bot_audible: bool) -> BargeInStep | None:
        """Take one hop; ``bot_audible`` says whether the bot's voice sounds just now."""
        if probability >= self.rules.threshold:
            self._speech_s += seconds
            self._silence_s = 0.0
        else:
            self._silence_s += seconds
        if self._silence_s >= self.rules.forget_s - ROUNDING_S:
            return self._forget()
        return self._step(bot_audible)

    def holds_back(self) -> bool:
        """Whether the bot's voice, silent just now, may not begin again: this is somebody who has spoken for long enough to silence it.

        From then on they count as having silenced it.
        """
        if self._state in (_State.QUIET, _State.DUCKING) and self._speech_s >= self.rules.hold_s - ROUNDING_S:
            self._state = _State.HOLDING
        return self._state in (_State.HOLDING, _State.CUT)

    def start_over(self) -> None:
        """What was heard so far does not count any more, and the next speech silences the bot again."""
        self._state = _State.QUIET
        self._speech_s = 0.0

    def _step(self, bot_audible: bool) -> BargeInStep | None:
        if self._state is _State.HOLDING and self._speech_s >= self.rules.cut_s - ROUNDING_S:
            self._state = _State.CUT
            return BargeInStep.CUT
        if not bot_audible:
            return None
        if self._state in (_State.QUIET, _State.DUCKING) and self._speech_s >= self.rules.hold_s - ROUNDING_S:
            self._state = _State.HOLDING
            return BargeInStep.HOLD
        if self._state is _State.QUIET and self._speech_s >= self.rules.duck_s - ROUNDING_S:
            self._state = _State.DUCKING
            return BargeInStep.DUCK
        return None

    def _forget(self) -> BargeInStep | None:
        self._speech_s = 0.0
        was, self._state = self._state, _State.QUIET
        return BargeInStep.UNDUCK if was is _State.DUCKING else None
