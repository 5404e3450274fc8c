"""Where speech may just have ended: the loudness falls before any model of speech notices, often at the end of a word. Pure, in audio time.

A lull is far too weak a sign to end a turn, but early enough to begin transcribing on: nothing was said after it for as long as it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

QUIET_BELOW_PEAK: Final = 10 ** (-26 / 20)
"""Sound this far below the loudest of the last seconds is quiet: soft consonants are about 20 dB below vowels."""
QUIET_ABOVE_FLOOR: Final = 2.0
"""So is sound less than twice as loud as the background."""
LEAST_CONTRAST: Final = 4.0
"""Where speech is not at least four times as loud as the background, loudness tells nothing."""
PEAK_DECAY_PER_S: Final = 0.74
MOST_FLOOR_GROWTH: Final = 1.25
"""At each look at the background it may be taken to be so much louder: a word that is just beginning is no background."""
SILENT_LOUDNESS: Final = 8.0
"""Of 32768: quieter than this is silence everywhere."""


class LullEdge(Enum):
    """A change in the loudness of a turn."""

    BEGAN = auto()
    OVER = auto()


@dataclass(slots=True)
class Lulls:
    """Follows one participant's turn: ``hear`` takes the loudness (root mean square, full scale 32768) of each frame."""

    begin_s: float = 0.03
    """Quiet for this long is a lull."""
    quiet_s: float = 0.0
    """How long it has been quiet by now."""
    _peak: float = 0.0
    _floor: float = SILENT_LOUDNESS
    _tolerance_s: float = field(default=1e-6, repr=False)

    def start_over(self) -> None:
        """A new turn begins; what is known of the background is kept."""
        self.quiet_s = self._peak = 0.0

    def background(self, loudness: float) -> None:
        """What is heard while there is no turn, looked at now and then."""
        self._floor = max(min(loudness, self._floor * MOST_FLOOR_GROWTH), SILENT_LOUDNESS)

    @property
    def in_lull(self) -> bool:
        """It has been quiet for long enough."""
        return self.quiet_s >= self.begin_s - self._tolerance_s

    def hear(self, seconds: float, loudness: float) -> LullEdge | None:
        """Take the next frame."""
        self._peak = max(loudness, self._peak * PEAK_DECAY_PER_S**seconds)
        was_in_lull = self.in_lull
        self.quiet_s = self.quiet_s + seconds if self._is_quiet(loudness) else 0.0
        if self.in_lull == was_in_lull:
            return None
        return LullEdge.BEGAN if self.in_lull else LullEdge.OVER

    def _is_quiet(self, loudness: float) -> bool:
        if self._peak < LEAST_CONTRAST * self._floor:
            return False
        return loudness < max(self._peak * QUIET_BELOW_PEAK, min(self._floor * QUIET_ABOVE_FLOOR, self._peak / LEAST_CONTRAST))
