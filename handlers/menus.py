"""Menus are numbered text: a reply to it with a number is the command with that choice as its arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

OPEN_FOR_S: Final = 600.0
MOST_OPEN: Final = 200
MOST_CHOICES: Final = 40


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu, and the arguments that stand for it."""

    label: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A command's answer that asks which. ``hint`` says that the number is to be sent as a reply."""

    title: str
    choices: Sequence[Choice]
    hint: str

    def __str__(self) -> str:
        lines = (f"{number}. {choice.label}" for number, choice in enumerate(self.choices[:MOST_CHOICES], start=1))
        return "\n".join([self.title, *lines, self.hint])


@dataclass(frozen=True, slots=True)
class _Open:
    command: str
    menu: Menu
    until_s: float


class Menus:
    """The menus that may still be answered, by the message that shows them. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[int, int], _Open] = OrderedDict()

    def show(self, chat_id: int, message_id: int, command: str, menu: Menu, now_s: float) -> None:
        """The message shows ``menu``, the answer to ``command``."""
        self._open[chat_id, message_id] = _Open(command, menu, now_s + OPEN_FOR_S)
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def chosen(self, chat_id: int, reply_to_id: int | None, text: str, now_s: float) -> tuple[str, str] | None:
        """The command and the arguments that a reply stands for; None if it chooses nothing."""
        shown = self._open.get((chat_id, reply_to_id)) if reply_to_id else None
        number = text.strip().rstrip(".")
        if shown is None or shown.until_s < now_s or not (number.isascii() and number.isdigit() and len(number) <= 3):
            return None
        choices = shown.menu.choices[:MOST_CHOICES]
        return (shown.command, choices[int(number) - 1].arguments) if 1 <= int(number) <= len(choices) else None
