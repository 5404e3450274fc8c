"""When to ask whether anybody is there: once, after a long time without a word. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class IdlePrompt:
    """One call's; ``last_word_s`` is when there last was anything but silence (at first: when the call began)."""

    last_word_s: float
    _asked: bool = False

    def somebody_spoke(self) -> None:
        """It may be asked again."""
        self._asked = False

    def due(self, now_s: float, after_s: float | None, *, quiet: bool) -> bool:
        """Whether to ask now. ``quiet``: nobody speaks, and nothing is being answered; ``after_s`` ``None``: it is never asked."""
        if after_s is None:
            return False
        if not quiet:
            self.last_word_s = now_s
        elif not self._asked and now_s - self.last_word_s >= after_s:
            self._asked = True
            return True
        return False
