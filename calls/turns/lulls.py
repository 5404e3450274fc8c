"""Where speech may just have ended: the loudness falls before any model of speech notices, often at the end of a word. Pure, in audio time.

A lull is far too weak a sign to end a turn, but early enough to begin transcribing on: nothing was said after it for as long as it lasts.
A dip comes earlier still, in the last sounds of a word, about three times in each second of speech: what is transcribed then is most often
all that is going to be said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

QUIET_BELOW_PEAK: Final = 10 ** (-26 / 20)
"""Sound this far below the loudest of the last seconds is quiet: soft consonants are about 20 dB below vowels."""
DIP_BELOW_PEAK: Final = 10 ** (-12 / 20)
"""Sound this far below the loudest is no vowel in the middle of a word: a dip begins, on 25 clips some 130 ms (median) before the lull."""
DIP_S: Final = 0.02
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

    DIPPED = auto()
    """The voice falls."""
    ROSE = auto()
    """It has risen again: another word has begun."""
    BEGAN = auto()
    """It is quiet."""
    LASTS = auto()
    """It is still quiet: more likely than not nothing follows soon."""
    OVER = auto()
    """It is not quiet any more."""


@dataclass(slots=True)
class Lulls:
    """Follows one participant's turn: ``hear`` takes the loudness (root mean square, full scale 32768) of each frame."""

    begin_s: float = 0.02
    """Quiet for this long is a lull."""
    lasts_s: float = 0.04
    """Quiet for this long is a lull that lasts."""
    quiet_s: float = 0.0
    """How long it has been quiet by now."""
    _soft_s: float = 0.0
    _peak: float = 0.0
    _floor: float = SILENT_LOUDNESS
    _tolerance_s: float = field(default=1e-6, repr=False)

    def start_over(self) -> None:
        """A new turn begins; what is known of the background is kept."""
        self.quiet_s = self._soft_s = self._peak = 0.0

    def background(self, loudness: float) -> None:
        """What is heard while there is no turn, looked at now and then."""
        self._floor = max(min(loudness, self._floor * MOST_FLOOR_GROWTH), SILENT_LOUDNESS)

    @property
    def lasts(self) -> bool:
        """It has been quiet for so long that more likely than not nothing follows soon."""
        return self.quiet_s >= self.lasts_s - self._tolerance_s

    def hear(self, seconds: float, loudness: float) -> LullEdge | None:
        """Take the next frame."""
        self._peak = max(loudness, self._peak * PEAK_DECAY_PER_S**seconds)
        quiet_before_s, soft_before_s = self.quiet_s, self._soft_s
        self.quiet_s = self.quiet_s + seconds if self._is_quiet(loudness) else 0.0
        self._soft_s = self._soft_s + seconds if self._is_soft(loudness) else 0.0
        if self._reached(self.begin_s, quiet_before_s, self.quiet_s):
            return LullEdge.BEGAN
        if self._reached(self.lasts_s, quiet_before_s, self.quiet_s):
            return LullEdge.LASTS
        if self._reached(self.begin_s, self.quiet_s, quiet_before_s):
            return LullEdge.OVER
        if self._reached(DIP_S, self._soft_s, soft_before_s):
            return LullEdge.ROSE
        return LullEdge.DIPPED if self._reached(DIP_S, soft_before_s, self._soft_s) else None

    def _reached(self, limit_s: float, before_s: float, now_s: float) -> bool:
        return before_s < limit_s - self._tolerance_s <= now_s

    def _is_soft(self, loudness: float) -> bool:
        return self._peak >= LEAST_CONTRAST * self._floor and loudness < self._peak * DIP_BELOW_PEAK

    def _is_quiet(self, loudness: float) -> bool:
        if self._peak < LEAST_CONTRAST * self._floor:
            return False
        return loudness < max(self._peak * QUIET_BELOW_PEAK, min(self._floor * QUIET_ABOVE_FLOOR, self._peak / LEAST_CONTRAST))
