"""Whether there is room for one more call: by number, and by how well the running ones are served."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from calls.errors import CallError, Remedy

MOST_LOST_SHARE: Final = 0.05
"""Of the frames due lately; a call that loses more is plainly heard to stumble."""
LOOKED_BACK_S: Final = 20.0
OVERLOADED: Final = "call_error.overloaded"


@dataclass(slots=True)
class LoadMeter:
    """Fed with the pacer's count of frames that came too late to be sent; ``lost_share`` is of those due lately. Pure."""

    frames_per_s: float = 100.0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, now_s: float, lost_frames: int) -> None:
        """``lost_frames`` is the count since the start."""
        self._samples.append((now_s, lost_frames))
        while len(self._samples) > 1 and self._samples[0][0] < now_s - LOOKED_BACK_S:
            self._samples.popleft()

    @property
    def lost_share(self) -> float:
        """Of the frames due within the last :data:`LOOKED_BACK_S`; 0 while little is known."""
        (first_s, first), (last_s, last) = (self._samples[0], self._samples[-1]) if self._samples else ((0.0, 0), (0.0, 0))
        span_s = last_s - first_s
        return (last - first) / (span_s * self.frames_per_s) if span_s >= 1.0 else 0.0


@dataclass(frozen=True, slots=True)
class Admission:
    """``most_calls`` at once; ``lost_share`` tells how badly the running ones are served."""

    most_calls: int
    lost_share: Callable[[], float] = lambda: 0.0

    def refusal(self, calls: int) -> CallError | None:
        """Why there is no room for one more beside ``calls``; ``None``: there is."""
        if calls >= self.most_calls:
            return CallError(
                f"I am in {calls} calls, which is as many as I may be in at once.",
                "Ask me again when one of them has ended.",
                Remedy.RETRY,
                key="call_error.full",
                fields={"count": calls},
            )
        if calls and self.lost_share() > MOST_LOST_SHARE:
            return CallError(
                "This machine cannot carry one more call just now.",
                "Ask me again when another call has ended.",
                Remedy.RETRY,
                key=OVERLOADED,
            )
        return None
