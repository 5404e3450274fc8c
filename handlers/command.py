"""What a command is: declared once, found in the text of a message, answered with text."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol

from handlers.menus import Menu
from handlers.wording import ENGLISH, say

MOST_ARGUMENT_CHARACTERS: Final = 4096
_COMMAND: Final = re.compile(r"(?P<name>[A-Za-z0-9_]{1,32})(?:@(?P<addressee>[A-Za-z0-9_]{1,32}))?(?:\s+(?P<arguments>.*))?", re.DOTALL)


class Authority(IntEnum):
    """Who may give a command, from the least to the most; whoever has a level has those below it."""

    STRANGER = 0
    """Somebody who writes in private without being on any list, or who speaks in the name of another channel."""
    MEMBER = 1
    """Anybody in the chat."""
    AUTHORISED = 2
    """On the chat's own list (``/auth``)."""
    CALL_MANAGER = 3
    """The creator, admins who may manage voice chats, anonymous admins."""
    SUDO = 4
    """On the owner's list (``/sudo``): in every chat."""
    OWNER = 5
    """The account itself, and ``OWNER_ID``."""


class WrongArguments(Exception):
    """The arguments of a command make no sense. ``what`` says why, in the language of the chat; the usage is told along."""

    def __init__(self, what: str = "") -> None:
        super().__init__(what)
        self.what = what


Tell = Callable[[str], Awaitable[None]]


async def silently(_text: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command that somebody gave. ``authority`` is what the sender has, ``message`` Telegram's own object."""

    chat_id: int
    title: str
    sender_id: int
    arguments: str = ""
    is_private: bool = False
    sender_name: str = ""
    language: str = ENGLISH
    authority: Authority = Authority.MEMBER
    reply_to_id: int | None = None
    message: Any = None
    received_s: float = math.inf
    """When it arrived, on the steady clock of the program."""
    tell: Tell = silently
    """Replies what goes on while the command is obeyed, where that takes a while; the reply proper takes its place."""

    def say(self, key: str, /, **fields: object) -> str:
        """A text of the catalogues in the language of the chat."""
        return say(self.language, key, **fields)


Answer = Callable[[Request], Awaitable[str | Menu]]
"""Does what is asked and returns the reply; an empty one is not sent. An ``errors.ParleyError`` is replied in the chat's language.

:raises WrongArguments: the usage of the command is replied.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a family. Its help is the text ``help.<name>`` of the catalogues; the family's title is ``family.<family>``.

    ``usage`` and ``example`` are written with a slash; ``cost`` is in severity points (:mod:`handlers.rate`). For a ``destructive`` command
    the rights of its sender are looked up anew. One that is not for private chats is answered there with where it works. An ``urgent`` one
    is obeyed while others of its chat are still under way. ``elsewhere``: its first argument may name another chat (:mod:`handlers.chats`);
    it is then obeyed as if it had been given there, by somebody who has the authority there.
    """

    name: str
    family: str
    authority: Authority
    usage: str
    answer: Answer
    aliases: tuple[str, ...] = ()
    cost: int = 1
    example: str = ""
    destructive: bool = False
    in_private: bool = False
    urgent: bool = False
    elsewhere: bool = False

    @property
    def help_key(self) -> str:
        """The key of its help."""
        return f"help.{self.name}"

    @property
    def shown_example(self) -> str:
        """An example of its use."""
        return self.example or f"/{self.name}"


class Family(Protocol):
    """Commands that belong together, in a file of their own."""

    def commands(self) -> Iterable[Command]:
        """Their declarations."""


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
        self._commands = tuple(commands)
        self._by_name: dict[str, Command] = {}
        for command in self._commands:
            for name in (command.name, *command.aliases):
                if name in self._by_name:
                    raise ValueError(f"two commands are called {name!r}")
                self._by_name[name] = command

    def find(self, name: str) -> Command | None:
        """The command of that name."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands)
