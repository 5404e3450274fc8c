"""What a page is left to speak with the browser's own voice, and how much of that was heard there."""

from __future__ import annotations

from typing import Final

from calls.history import History, PastExchange

MOST_LEFT: Final = 20
"""A page that has not told of so many newer ones has not spoken the oldest."""


class Unspoken:
    """Of one call; ``history`` is that of its conversation."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._left: dict[int, tuple[PastExchange, str]] = {}

    def leave(self, number: int, words: str) -> None:
        """Message ``number`` leaves ``words`` of the newest exchange to the page."""
        self._left[number] = (self._history.exchanges[-1], words)
        if len(self._left) > MOST_LEFT:
            del self._left[min(self._left)]

    def spoken(self, number: int, characters: int) -> None:
        """The page has spoken so many characters of what message ``number`` left to it. It can say so once, and of nothing else."""
        exchange, words = self._left.pop(number, (None, ""))
        if exchange is not None and (heard := words[: max(0, characters)].strip()):
            self._history.hear_more(exchange, heard)
