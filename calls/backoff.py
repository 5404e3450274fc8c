"""How long to wait before a failed call is tried again. Pure."""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 2.0
LONGEST_S: Final = 60.0
SPREAD: Final = 0.2
"""Waits differ by up to this share, so that many calls that broke together do not come back together."""
MOST_FAILURES: Final = 5
"""After so many failures in a row there is a pause."""
PAUSE_S: Final = 600.0


def wait_s(failures: int, chance: float) -> float:
    """The wait after ``failures`` in a row, doubling up to a minute; without any failure there is none. ``chance`` is in [0, 1)."""
    if failures <= 0:
        return 0.0
    return min(LONGEST_S, FIRST_S * 2.0 ** (min(failures, 32) - 1)) * (1.0 + SPREAD * (2.0 * chance - 1.0))
