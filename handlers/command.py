"""What a command is: declared once, found in the text of a message, answered with text."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_ARGUMENT_CHARACTERS: Final = 4096
_COMMAND: Final = re.compile(r"(?P<name>[A-Za-z0-9_]{1,32})(?:@(?P<addressee>[A-Za-z0-9_]{1,32}))?(?:\s+(?P<arguments>.*))?", re.DOTALL)


class Authority(StrEnum):
    """Who may give a command."""

    MEMBER = "member"
    """Anybody in the chat."""
    CALL_MANAGER = "call manager"
    """Admins who may manage voice chats, anonymous ones included."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command that somebody gave."""

    chat_id: int
    title: str
    sender_id: int
    arguments: str = ""
    is_private: bool = False


Answer = Callable[[Request], Awaitable[str]]
"""Does what is asked and returns the reply. An ``errors.ParleyError`` is replied as it reads."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command; ``usage`` and ``help`` are for people, ``answer`` does it."""

    name: str
    authority: Authority
    usage: str
    help: str
    answer: Answer
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command as it was typed."""

    name: str
    arguments: str


def parse(text: str, prefixes: str, own_username: str | None) -> Invocation | None:
    """The command in ``text``, or None: ordinary text, or a command to another account (``/joincall@other``)."""
    if not text or text[0] not in prefixes:
        return None
    match = _COMMAND.fullmatch(text[1:].rstrip())
    if match is None:
        return None
    addressee = match["addressee"]
    if addressee is not None and addressee.lower() != (own_username or "").lower():
        return None
    return Invocation(match["name"].lower(), (match["arguments"] or "").strip()[:MOST_ARGUMENT_CHARACTERS])


class CommandTable:
    """All commands by name and alias.

    :raises ValueError: two commands have the same name.
    """

    def __init__(self, commands: Iterable[Command]) -> None:
        self._by_name: dict[str, Command] = {}
        for command in commands:
            for name in (command.name, *command.aliases):
                if name in self._by_name:
                    raise ValueError(f"two commands are called {name!r}")
                self._by_name[name] = command

    def find(self, name: str) -> Command | None:
        """The command of that name."""
        return self._by_name.get(name)
