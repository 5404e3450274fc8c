"""How much somebody may send: a steady rate, and what they have saved up. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Allowance:
    """``per_s`` come in, up to ``most``; it begins full."""

    per_s: float
    most: float
    _left: float = field(init=False)
    _at_s: float | None = None

    def __post_init__(self) -> None:
        self._left = self.most

    def spend(self, amount: float, now_s: float) -> bool:
        """Whether there was enough; if not, nothing is spent."""
        if self._at_s is not None:
            self._left = min(self.most, self._left + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        if amount > self._left:
            return False
        self._left -= amount
        return True
