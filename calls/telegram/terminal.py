"""Questions to the person at the terminal, while the connection to Telegram stays alive."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import sys
import termios
from collections.abc import Iterator
from typing import Protocol

from errors import ParleyError

LONGEST_ANSWER_BYTES = 4096


class Person(Protocol):
    """Whoever logs in."""

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """The answer to a question; a secret one is not shown while it is typed.

        :raises errors.ParleyError: nobody can answer.
        """

    def tell(self, text: str) -> None:
        """Show something."""


class Terminal:
    """The terminal that the program was started in; answers never come from a pipe or a file."""

    def __init__(self) -> None:
        if not sys.stdin.isatty():
            raise ParleyError("A login asks questions, and there is no terminal to ask them on.", "Run it by hand in a terminal.")
        self._input = sys.stdin.fileno()

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """See :class:`Person`."""
        print(question, end="", flush=True)
        with self._unseen() if secret else contextlib.nullcontext():
            line = await self._line()
        if secret:
            print()
        return line.strip()

    def tell(self, text: str) -> None:
        """See :class:`Person`."""
        print(text, flush=True)

    async def _line(self) -> str:
        loop, typed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._input, typed.set)
        try:
            await typed.wait()
        finally:
            loop.remove_reader(self._input)
        line = os.read(self._input, LONGEST_ANSWER_BYTES)
        if not line:
            raise ParleyError("The login was broken off: the terminal gave no answer.", "Run `python bot.py login` again.")
        return codecs.decode(line, "utf-8", "replace")

    @contextlib.contextmanager
    def _unseen(self) -> Iterator[None]:
        before = termios.tcgetattr(self._input)
        silent = termios.tcgetattr(self._input)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(self._input, termios.TCSADRAIN, silent)
        try:
            yield
        finally:
            termios.tcsetattr(self._input, termios.TCSADRAIN, before)
