"""The moments at which what happens again and again happens, in all calls of the process."""

from __future__ import annotations

import math
from typing import Final

ROUNDING_S: Final = 1e-6


def on_the_beat(now_s: float, every_s: float) -> float:
    """The newest multiple of ``every_s`` up to ``now_s``.

    Work that keeps to these moments shares its wake-ups: one costs more than most of what is done in it.
    """
    return math.floor((now_s + ROUNDING_S) / every_s) * every_s
