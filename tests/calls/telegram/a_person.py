"""Somebody who logs in: answers as a test says, and keeps what was asked and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class APerson:
    def __init__(self, *answers: str, shown: Callable[[str], None] = lambda _text: None) -> None:
        self._answers: Iterable[str] = iter(answers)
        self._shown = shown
        self.asked: list[str] = []
        self.secretly: list[str] = []
        self.told: list[str] = []

    async def ask(self, question: str, *, secret: bool = False) -> str:
        (self.secretly if secret else self.asked).append(question)
        return next(iter(self._answers))

    def tell(self, text: str) -> None:
        self.told.append(text)
        self._shown(text)
